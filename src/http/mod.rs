//! Who asks over the network: routes by noun, one problem envelope, one gate in front of all of them. Knows nothing
//! of storage formats; what it shows and does, the rooms below show and do.

pub mod auth;
