//! The command line: arguments in, the rooms asked, answers written. No rules of its own.

pub mod policy;
