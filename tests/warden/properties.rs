//! Properties over random command sequences.
