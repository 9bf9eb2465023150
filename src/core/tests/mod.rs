//! The contract on a virtual clock.
