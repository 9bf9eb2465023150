//! The contract, rule by rule, as a page sees it. One program, so that its tests share browsers.

mod as_fetch;
mod bodies;
mod demo_page;
mod differential;
mod engines;
mod faults;
mod install;
mod loading;
mod many_tabs;
mod one_refresh;
mod options;
mod outcomes;
mod pass_through;
mod rust_app;
mod security;
mod servers;
mod time;
mod who;
