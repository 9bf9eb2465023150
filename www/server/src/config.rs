//! What can be chosen when the server is started.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use crate::origin::Origin;

/// The flags of the program, and what a test fills in; the defaults are those of the flags.
#[derive(Clone, Debug, Parser)]
#[command(name = "keepfresh-demo-server", about = "Serve the keepfresh demo")]
pub struct Config {
    /// The port to listen on; 0 for any free one
    #[arg(long, default_value_t = 8080)]
    pub port: u16,

    /// The address to listen on
    #[arg(long, default_value = "127.0.0.1")]
    pub host: IpAddr,

    /// The database file, made if it is not there; it holds the signing key, so keep it private
    #[arg(long, value_name = "FILE", default_value = "demo.sqlite")]
    pub db: PathBuf,

    /// Keep the database in memory: every start is a fresh one
    #[arg(long, conflicts_with = "db")]
    pub memory: bool,

    /// How long an access token lasts
    #[arg(long, value_name = "TIME", default_value = "30m", value_parser = humantime::parse_duration)]
    pub access_ttl: Duration,

    /// How long a refresh token lasts, from its issue
    #[arg(long, value_name = "TIME", default_value = "14d", value_parser = humantime::parse_duration)]
    pub refresh_ttl: Duration,

    /// How long a consumed refresh token is no theft yet; 0s is strict
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub leeway: Duration,

    /// End only the refresh token that a sign-out brings, not its session: a refresh that has just replaced it lives on
    #[arg(long)]
    pub sign_out_ends_token_only: bool,

    /// A folder to serve at /
    #[arg(long, value_name = "DIR")]
    pub www: Option<PathBuf>,

    /// A folder to serve at /keepfresh/
    #[arg(long, value_name = "DIR")]
    pub pkg: Option<PathBuf>,

    /// Add /lab, which makes things go wrong on demand; never where others can reach it
    #[arg(long)]
    pub lab: bool,

    /// Serve https (and HTTP/2), with a self-signed certificate made at the start
    #[arg(long)]
    pub tls: bool,

    /// Where browsers reach it, behind a proxy: what `Origin` is compared with, and whether cookies are `Secure`
    #[arg(long, value_name = "ORIGIN")]
    pub public_origin: Option<Origin>,

    /// How long a client may take over the head of a request, and between two pieces of its body
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = humantime::parse_duration, hide = true)]
    pub patience: Duration,

    /// How often what has expired is deleted
    #[arg(long, value_name = "TIME", default_value = "1h", value_parser = humantime::parse_duration, hide = true)]
    pub sweep_every: Duration,

    /// An origin whose pages may call this server with its cookies; may be repeated
    #[arg(long = "allow-origin", value_name = "ORIGIN")]
    pub allow_origin: Vec<Origin>,
}

impl Default for Config {
    fn default() -> Self {
        Self::parse_from(["keepfresh-demo-server"])
    }
}
