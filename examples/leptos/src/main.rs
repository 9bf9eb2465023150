//! Notes in Leptos, whose user stays signed in: the access token may expire at any moment, and nobody notices.

mod server;
#[cfg(not(feature = "keepfresh"))]
mod without;

use leptos::prelude::*;
use leptos::task::spawn_local;

use server::{Note, Server};

fn main() {
    match Server::new() {
        Ok(server) => leptos::mount::mount_to_body(move || view! { <App server /> }),
        Err(error) => leptos::logging::error!("{error}"),
    }
}

#[component]
fn App(server: Server) -> impl IntoView {
    provide_context(server.clone());
    // Unknown until the server has been asked.
    let signed_in = RwSignal::new(None::<bool>);
    let message = RwSignal::new(String::new());
    provide_context(Message(message));

    server.on_expired(move || signed_in.set(Some(false)));
    spawn_local(async move {
        match server.is_signed_in().await {
            Ok(yes) => signed_in.set(Some(yes)),
            Err(error) => message.set(error),
        }
    });

    view! {
        <h1>"Notes"</h1>
        <p id="message" role="status">{message}</p>
        {move || match signed_in.get() {
            None => ().into_any(),
            Some(false) => view! { <SignIn signed_in /> }.into_any(),
            Some(true) => view! { <Notes signed_in /> }.into_any(),
        }}
    }
}

/// What the user is told.
#[derive(Clone, Copy)]
struct Message(RwSignal<String>);

#[component]
fn SignIn(signed_in: RwSignal<Option<bool>>) -> impl IntoView {
    let server = expect_context::<Server>();
    let Message(message) = expect_context();
    let login = RwSignal::new("ada".to_owned());
    let password = RwSignal::new("correct horse".to_owned());
    let sign_in = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        let server = server.clone();
        spawn_local(async move {
            match server
                .sign_in(&login.get_untracked(), &password.get_untracked())
                .await
            {
                Ok(true) => {
                    message.set(String::new());
                    signed_in.set(Some(true));
                }
                Ok(false) => message.set("That is not the password.".to_owned()),
                Err(error) => message.set(error),
            }
        });
    };
    view! {
        <form on:submit=sign_in>
            <label>"Name " <input id="login" autocomplete="username" bind:value=login /></label>
            <label>
                "Password "
                <input id="password" type="password" autocomplete="current-password" bind:value=password />
            </label>
            <button id="sign-in">"Sign in"</button>
        </form>
    }
}

#[component]
fn Notes(signed_in: RwSignal<Option<bool>>) -> impl IntoView {
    let server = StoredValue::new(expect_context::<Server>());
    let Message(message) = expect_context();
    let notes = RwSignal::new(Vec::<Note>::new());
    let text = RwSignal::new(String::new());
    let loaded = RwSignal::new(None::<usize>);

    // Loads the notes so many times at once: at expiry that is so many 401s, and one refresh.
    let load = move |times: usize| {
        loaded.set(None);
        spawn_local(async move {
            match server.get_value().notes_at_once(times).await {
                Ok(latest) => {
                    notes.set(latest);
                    loaded.set(Some(times));
                }
                Err(error) => message.set(error),
            }
        });
    };
    let add = move |event: leptos::ev::SubmitEvent| {
        event.prevent_default();
        spawn_local(async move {
            match server.get_value().add(&text.get_untracked()).await {
                Ok(note) => {
                    notes.update(|notes| notes.push(note));
                    text.set(String::new());
                }
                Err(error) => message.set(error),
            }
        });
    };
    let remove = move |id: i64| {
        spawn_local(async move {
            match server.get_value().remove(id).await {
                Ok(()) => notes.update(|notes| notes.retain(|note| note.id != id)),
                Err(error) => message.set(error),
            }
        });
    };
    let sign_out = move |_| {
        spawn_local(async move {
            match server.get_value().sign_out().await {
                Ok(()) => signed_in.set(Some(false)),
                Err(error) => message.set(error),
            }
        });
    };

    load(1);
    view! {
        <ul id="notes">
            <For each=move || notes.get() key=|note| note.id let(note)>
                <li>
                    {note.text} " "
                    <button aria-label="Remove" on:click=move |_| remove(note.id)>"×"</button>
                </li>
            </For>
        </ul>
        <form on:submit=add>
            <label>"New note " <input id="text" required bind:value=text /></label>
            <button id="add">"Add"</button>
        </form>
        <p>
            <button id="load" on:click=move |_| load(20)>"Load 20 times at once"</button> " "
            <span id="loaded">{move || loaded.get().map(|times| format!("loaded {times} times"))}</span>
        </p>
        <button id="sign-out" on:click=sign_out>"Sign out"</button>
    }
}
