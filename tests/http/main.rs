//! The HTTP room, asked over real connections: the whole house on a directory of its own, a server on a port of its
//! own. One module per noun. Only the provider and the platform are stand-ins that say what a test wrote down.

mod api;
mod appeals;
mod arena;
mod authorization;
mod backtests;
mod broadcast;
mod callbacks;
mod channels;
mod consumers;
mod credentials;
mod decisions;
mod edge;
mod enforcements;
mod erasures;
mod events;
mod evidence;
mod feed;
mod frames;
mod handing_in;
mod health;
mod history;
mod issuer;
mod listening;
mod live;
mod moderating;
mod overview;
mod pages;
mod pictures;
mod policies;
mod premises;
mod queue;
mod raw;
mod recorded;
mod reputation;
#[path = "../actors/scripted.rs"]
#[allow(dead_code)] // shared with the tests of the actors, which use all of it
mod scripted;
mod session;
mod shadows;
mod sign_in;
mod state;
mod taxonomies;
mod terminal;
#[path = "../laboratory/told.rs"]
#[allow(dead_code)] // shared with the tests of the laboratory, which use all of it
mod told;
