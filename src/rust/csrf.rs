use std::{fmt, sync::Arc};

/// A header that proves where a request comes from. Its value is read anew at each sending, and a header that is there already is
/// left as it is.
///
/// ```
/// use keepfresh::Csrf;
///
/// let flask = Csrf::cookie("x-csrf-token", "csrf_access_token");
/// let everywhere = Csrf::header("x-requested-with", "app").all(true);
/// ```
#[derive(Clone)]
#[must_use]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "a browser is what reads it")
)]
pub struct Csrf {
    pub(super) header: String,
    pub(super) value: CsrfValue,
    pub(super) all: bool,
}

/// Where its value comes from.
#[derive(Clone)]
#[cfg_attr(
    not(target_arch = "wasm32"),
    allow(dead_code, reason = "a browser is what reads it")
)]
pub(super) enum CsrfValue {
    Fixed(String),
    Cookie(String),
    Function(Arc<dyn Fn() -> Option<String> + Send + Sync>),
}

impl Csrf {
    /// With that value, always.
    pub fn header(header: impl Into<String>, value: impl Into<String>) -> Self {
        Self::of(header.into(), CsrfValue::Fixed(value.into()))
    }

    /// With the value of a cookie that scripts may read, percent-decoded. Where there is no such cookie, no header is sent.
    pub fn cookie(header: impl Into<String>, cookie: impl Into<String>) -> Self {
        Self::of(header.into(), CsrfValue::Cookie(cookie.into()))
    }

    /// With what that function returns, of a `<meta>` tag say. `None`: no header is sent.
    pub fn function(
        header: impl Into<String>,
        value: impl Fn() -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        Self::of(header.into(), CsrfValue::Function(Arc::new(value)))
    }

    /// Whether it is sent with safe methods as well (GET and HEAD). Default false.
    pub fn all(mut self, yes: bool) -> Self {
        self.all = yes;
        self
    }

    fn of(header: String, value: CsrfValue) -> Self {
        Self {
            header,
            value,
            all: false,
        }
    }
}

/// The header's name alone: the value is a secret.
impl fmt::Debug for Csrf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Csrf")
            .field("header", &self.header)
            .finish_non_exhaustive()
    }
}
