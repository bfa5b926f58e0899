//! Dashboard, alerts and runbook.
