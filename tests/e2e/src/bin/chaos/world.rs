//! A server, a browser and its tabs, in which rounds are played one after the other.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Html;
use axum::routing::get;
use keepfresh_demo_server::Server;
use keepfresh_e2e::{Browser, Mode, Running, WindowHandle, usual, with_pages};
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout_at};

use crate::agents::{Control, Event, Life, Order};
use crate::plan::{Deed, Forecast, Kind, Plan, Step, TABS, User};
use crate::round::{Call, Round};
use crate::weather::{Weather, now};

/// The clients' deadline.
pub(crate) const TIMEOUT: Duration = Duration::from_millis(1000);

/// How much longer than their deadline calls are waited for before they count as lost.
const PATIENCE: Duration = Duration::from_secs(8);

/// How long clients may keep away from a server that has failed them a few times.
const COOL_DOWN: Duration = Duration::from_secs(10);

/// How long pages may take to load.
const LOADING: Duration = Duration::from_secs(30);

pub(crate) struct World {
    weather: Weather,
    origin: String,
    _server: Running,
    control: Control,
    events: mpsc::UnboundedReceiver<Event>,
    tabs: Vec<Tab>,
    browser: Arc<Mutex<Browser>>,
}

#[derive(Default)]
struct Tab {
    life: Option<Life>,
    /// What is to be done as soon as there is a page again.
    waiting: Vec<Order>,
    window: Arc<Mutex<Option<WindowHandle>>>,
    reopening: Option<JoinHandle<()>>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let server = Server::bind(with_pages(usual())).await;
        let server = server.unwrap_or_else(|error| panic!("{error}"));
        let mut around = None;
        let server = server.wrapped(|app| {
            let (weather, app) = Weather::around(app);
            around = Some(weather);
            // Not among the files: those may connect to their own origin only, and the control is another.
            let agent = get(async || Html(include_str!("agent.html")));
            Router::new().route("/agent", agent).fallback_service(app)
        });
        let server = server.spawn();
        let (sender, events) = mpsc::unbounded_channel();
        let control = Control::listen(sender).await;
        let mut world = Self {
            weather: around.expect("it is there once the server is wrapped"),
            origin: server.origin().to_owned(),
            _server: server,
            control: control.expect("the loopback address has a free port"),
            events,
            tabs: (0..TABS).map(|_| Tab::default()).collect(),
            browser: Arc::new(Mutex::new(Browser::start(Mode::default()).await)),
        };
        for tab in 0..TABS {
            world.open(tab).await;
        }
        world
    }

    /// Plays the round of a seed. It begins with fresh pages and a session of its own.
    pub(crate) async fn play(&mut self, seed: u64) -> Round {
        let plan = Plan::of(seed);
        self.prepare(seed).await;
        let mut round = Round::new(seed, &plan);
        self.weather.begin(plan.forecast.clone());
        let start = Instant::now();
        for step in &plan.steps {
            let at = start + Duration::from_millis(step.at);
            self.listen(&mut round, at, |_| false).await;
            self.take(&mut round, *step);
        }
        let deadline = Instant::now() + TIMEOUT;
        self.listen(&mut round, deadline, Round::is_settled).await;
        self.weather.clear_up();
        self.settle(&mut round).await;
        self.all_here(&mut round).await;
        round.ended = now();
        round.truth = self.weather.truth();
        self.look_back(&mut round).await;
        round.truth = self.weather.truth();
        round
    }

    async fn prepare(&mut self, seed: u64) {
        let mut nothing = Round::new(seed, &Plan::of(seed));
        self.weather.begin(Forecast::default());
        self.all_here(&mut nothing).await;
        self.weather.calm().await;
        for tab in 0..TABS {
            self.reload(tab, true);
        }
        self.all_here(&mut nothing).await;
        let id = nothing.next_id();
        self.order(0, &mut nothing, id, Kind::SignIn(User::Ada), true);
        let deadline = Instant::now() + LOADING;
        self.listen(&mut nothing, deadline, Round::is_settled).await;
        assert!(
            nothing.outcome(id) == Some("200"),
            "the round's own sign-in: {:?}",
            nothing.outcome(id)
        );
    }

    /// When all is over and the weather is fine: does each page know what is true?
    async fn look_back(&mut self, round: &mut Round) {
        if round.is_unclear() {
            // A page that is gone was not told of its own sign-in, nor could it tell the others. So the user signs in.
            self.ask(0, round, Kind::SignIn(User::Ada)).await;
        }
        while !self.weather.expire(f64::INFINITY) {
            sleep(Duration::from_millis(50)).await;
        }
        for tab in 0..TABS {
            let patience = Instant::now() + COOL_DOWN;
            let last = loop {
                let last = self.ask(tab, round, Kind::Get).await;
                // A cool-down may still be on, and the news of a sign-in on its way.
                let may_change = match last.as_str() {
                    "refresh_unavailable" => true,
                    "401" => round.should_know_of_session() || round.was_refused_in_between(),
                    _ => false,
                };
                if !may_change || Instant::now() > patience {
                    break last;
                }
                sleep(Duration::from_millis(50)).await;
            };
            round.last.push(last);
        }
        let id = round.next_id();
        let refresh = Order {
            id,
            path: "/auth/refresh".to_owned(),
            method: "POST",
            raw: true,
            ..Order::default()
        };
        round.calls.insert(id, Call::new(0, None));
        self.tell(0, refresh);
        self.settle(round).await;
        round.alive = round.outcome(id) == Some("200");
    }

    /// Has a page call, and waits for what comes of it. One that loads anew meanwhile, after a form say, is asked once more.
    async fn ask(&mut self, tab: usize, round: &mut Round, kind: Kind) -> String {
        loop {
            let id = round.next_id();
            self.order(tab, round, id, kind, false);
            self.settle(round).await;
            match round.outcome(id) {
                Some(outcome) => return outcome.to_owned(),
                None if round.is_cut(id) => self.all_here(round).await,
                None => return "lost".to_owned(),
            }
        }
    }

    /// Waits until every call has settled, or is lost.
    async fn settle(&mut self, round: &mut Round) {
        let deadline = Instant::now() + TIMEOUT + PATIENCE;
        self.listen(round, deadline, Round::is_settled).await;
    }

    fn take(&mut self, round: &mut Round, step: Step) {
        match step.deed {
            Deed::Call { tab, kind } => {
                let id = round.next_id();
                self.order(tab, round, id, kind, false);
            }
            Deed::Expire => round.expiring += 1,
            Deed::Reload { tab } => {
                round.reloads += 1;
                self.cut(round, tab);
                self.reload(tab, false);
            }
            Deed::Close { tab } => {
                round.closings += 1;
                self.cut(round, tab);
                self.reopen(tab);
            }
        }
    }

    fn order(&mut self, tab: usize, round: &mut Round, id: u64, kind: Kind, raw: bool) {
        let (path, method, body) = match kind {
            Kind::Get => (format!("/api/me?call={id}"), "GET", None),
            Kind::Post(length) => {
                let note = format!("{{\"text\":\"{}\"}}", "n".repeat(length));
                (format!("/api/notes?call={id}"), "POST", Some(note))
            }
            Kind::SignIn(user) => {
                let (login, password) = (user.name(), user.password());
                let body = format!("{{\"login\":\"{login}\",\"password\":\"{password}\"}}");
                ("/auth/sign-in".to_owned(), "POST", Some(body))
            }
            Kind::Form(user) => {
                let password = user.password().replace(' ', "+");
                let body = format!("login={}&password={password}", user.name());
                ("/auth/lab/sign-in".to_owned(), "POST", Some(body))
            }
            Kind::SignOut => ("/auth/sign-out".to_owned(), "POST", None),
        };
        round.calls.insert(id, Call::new(tab, Some(kind)));
        self.tell(
            tab,
            Order {
                id,
                path,
                method,
                body,
                raw: raw || matches!(kind, Kind::Form(_)),
                form: matches!(kind, Kind::Form(_)),
                ..Order::default()
            },
        );
    }

    fn tell(&mut self, tab: usize, order: Order) {
        let tab = self.tab(tab);
        match &tab.life {
            Some(life) => life.order(order),
            None => tab.waiting.push(order),
        }
    }

    /// The page is about to go: what it has under way will not settle, nor is it heard of again.
    fn cut(&mut self, round: &mut Round, tab: usize) {
        round.cut(tab);
        self.tab(tab).waiting.clear();
    }

    fn reload(&mut self, tab: usize, clear: bool) {
        // One that is about to load anyway is left to it.
        if let Some(life) = self.tab(tab).life.take() {
            life.order(Order {
                reload: true,
                clear,
                ..Order::default()
            });
            // Its orders end here, but not before it has read this one.
            tokio::spawn(async move {
                sleep(LOADING).await;
                drop(life);
            });
        }
    }

    /// Closes a tab and opens another in its place.
    fn reopen(&mut self, tab: usize) {
        let url = self.url(tab);
        let browser = self.browser.clone();
        let tab = self.tab(tab);
        if tab.life.take().is_none() {
            return;
        }
        let window = tab.window.clone();
        tab.reopening = Some(tokio::spawn(async move {
            let browser = browser.lock().await;
            let mut window = window.lock().await;
            if let Some(window) = window.take() {
                browser.close(window).await;
            }
            *window = Some(browser.open(&url).await);
        }));
    }

    async fn open(&mut self, tab: usize) {
        let window = self.browser.lock().await.open(&self.url(tab)).await;
        *self.tab(tab).window.lock().await = Some(window);
    }

    fn url(&self, tab: usize) -> String {
        let (origin, control) = (&self.origin, self.control.address.port());
        let timeout = TIMEOUT.as_millis();
        format!("{origin}/agent?control={control}&tab={tab}&timeout={timeout}")
    }

    /// Waits until every tab has a page.
    async fn all_here(&mut self, round: &mut Round) {
        for tab in 0..TABS {
            if let Some(reopening) = self.tab(tab).reopening.take() {
                reopening.await.expect("the tab is opened again");
            }
        }
        let deadline = Instant::now() + LOADING;
        while self.tabs.iter().any(|tab| tab.life.is_none()) {
            let event = timeout_at(deadline, self.events.recv()).await;
            let event = event.expect("every page loads in time");
            self.hear(round, event.expect("the control is there"));
        }
    }

    /// Takes in what is said, until then or until it is `enough`.
    async fn listen(&mut self, round: &mut Round, until: Instant, enough: impl Fn(&Round) -> bool) {
        loop {
            while round.expiring > 0 && self.weather.expire(round.oldest()) {
                round.expiring -= 1;
                round.expiries += 1;
            }
            if enough(round) {
                return;
            }
            match timeout_at(until, self.events.recv()).await {
                Ok(event) => self.hear(round, event.expect("the control is there")),
                Err(_) => return,
            }
        }
    }

    fn hear(&mut self, round: &mut Round, event: Event) {
        match event {
            Event::Came { tab, life } => {
                let tab = self.tab(tab);
                for order in tab.waiting.drain(..) {
                    life.order(order);
                }
                tab.life = Some(life);
            }
            Event::Went { tab, life } => {
                let life = self.tab(tab).life.take_if(|now| now.number == life);
                // By itself: it has posted a form.
                if life.is_some() {
                    self.cut(round, tab);
                }
            }
            Event::Said { tab, life, said } => {
                // A page that is about to go still speaks for a moment.
                let current = self.tab(tab).life.as_ref();
                if current.is_none_or(|current| current.number != life) {
                    return;
                }
                round.hear(tab, said);
            }
        }
    }

    fn tab(&mut self, tab: usize) -> &mut Tab {
        &mut self.tabs[tab]
    }
}
