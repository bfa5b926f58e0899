//! How this process is seen from outside: log lines, and measurements in Prometheus form. Counts what the rooms report
//! and what events say; must not know the rooms themselves, and decides nothing.

mod json_lines;
mod logs;
pub mod metrics;

pub use logs::{LogFormat, start_logging, write_lines_within};
pub use metrics::metrics;
