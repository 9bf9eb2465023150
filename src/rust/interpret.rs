use serde_json::Value;

/// An answer of the server's that says how the session stands, for [`ClientBuilder::interpret`](crate::ClientBuilder::interpret).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reply {
    /// What was answered.
    pub of: ReplyOf,
    /// The status; 0: with a redirect that was not followed.
    pub status: u16,
    /// The body: parsed if it is JSON, otherwise a string. `None` if there is none, or if it is larger than 64 KB or takes longer than
    /// a second.
    pub body: Option<Value>,
}

/// What was answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplyOf {
    /// The refresh.
    Refresh,
    /// A sign-in.
    SignIn,
    /// A sign-out.
    SignOut,
}

/// What a [`Reply`] says. What is `None` is left to the rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meaning {
    /// What it means for the session.
    pub outcome: Option<Outcome>,
    /// How many seconds the access token lives. A finite number above 0 counts, and nothing else.
    pub expires_in: Option<f64>,
    /// Whose the session is: any text that is the same for the same user.
    pub subject: Option<String>,
}

/// What an answer means for the session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// There are new cookies: it goes on, or begins.
    Renewed,
    /// It is over.
    Expired,
    /// Nothing: the server could not say.
    Unavailable,
}
