//! The core, tested from text: decider tables, the enforcement plan, the budget, reactions, and properties over random
//! command sequences. The tables in `tables/` are the specification that a newcomer reads first.

mod compared;
mod desk;
mod lines;
mod no_answer;
mod plan;
mod properties;
mod reactions;
mod render;
mod reports;
mod reputation;
mod samples;
mod script;
mod shadows;
mod shown;
mod tables;
mod time_travel;
mod wanted;
mod words;
