//! A fetch that keeps a session fresh.
