//! The pages: each says what happens to it over a socket, and is told what to do.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, State};
use axum::response::Response;
use axum::routing::any;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

static LIVES: AtomicU64 = AtomicU64::new(0);

/// A page: a tab has another one after each reload.
pub(crate) struct Life {
    pub(crate) number: u64,
    orders: mpsc::UnboundedSender<Order>,
}

/// What a page is to do.
#[derive(Debug, Default, Serialize)]
pub(crate) struct Order {
    pub(crate) reload: bool,
    /// To forget what it has stored, before that.
    pub(crate) clear: bool,
    pub(crate) id: u64,
    pub(crate) path: String,
    pub(crate) method: &'static str,
    pub(crate) body: Option<String>,
    /// By the browser's own fetch.
    pub(crate) raw: bool,
    /// As a form is posted, and then the page is loaded anew.
    pub(crate) form: bool,
}

/// What a page says, and when.
#[derive(Debug, Deserialize)]
pub(crate) struct Said {
    pub(crate) at: f64,
    #[serde(flatten)]
    pub(crate) what: What,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum What {
    Here,
    Called {
        id: u64,
    },
    Settled {
        id: u64,
        outcome: String,
        /// As whom it was carried out.
        user: Option<String>,
    },
    Expired,
    /// What its client decided.
    Noted {
        #[expect(dead_code, reason = "the story shows it")]
        text: String,
    },
}

pub(crate) enum Event {
    Came { tab: usize, life: Life },
    Said { tab: usize, life: u64, said: Said },
    Went { tab: usize, life: u64 },
}

type Events = mpsc::UnboundedSender<Event>;

/// Where pages connect to. Another port than the server's: a browser has six connections to each, and the pages need
/// all of them.
pub(crate) struct Control {
    pub(crate) address: SocketAddr,
    task: JoinHandle<()>,
}

impl Control {
    pub(crate) async fn listen(events: Events) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        let app = Router::new()
            .route("/{tab}", any(connect))
            .with_state(events);
        let task = tokio::spawn(async move {
            // It serves until it is aborted.
            let _ = axum::serve(listener, app).await;
        });
        Ok(Self { address, task })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Life {
    /// A page that has gone does nothing any more.
    pub(crate) fn order(&self, order: Order) {
        let _ = self.orders.send(order);
    }
}

async fn connect(
    State(events): State<Events>,
    Path(tab): Path<usize>,
    socket: WebSocketUpgrade,
) -> Response {
    socket.on_upgrade(move |socket| converse(socket, tab, events))
}

async fn converse(mut socket: WebSocket, tab: usize, events: Events) {
    let number = LIVES.fetch_add(1, Ordering::Relaxed);
    let (sender, mut orders) = mpsc::unbounded_channel();
    let life = Life {
        number,
        orders: sender,
    };
    // Nobody listens once the run has ended.
    let _ = events.send(Event::Came { tab, life });
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { break };
                let Ok(text) = serde_json::to_string(&order) else { break };
                if socket.send(Message::from(text)).await.is_err() {
                    break;
                }
            }
            message = socket.recv() => {
                let Some(Ok(message)) = message else { break };
                let Ok(text) = message.to_text() else { break };
                if let Ok(said) = serde_json::from_str(text) {
                    let _ = events.send(Event::Said { tab, life: number, said });
                }
            }
        }
    }
    let _ = events.send(Event::Went { tab, life: number });
}
