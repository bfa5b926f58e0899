//! What the sections of every provider that is asked over the network say alike.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Bounded;
use crate::egress::https_or_loopback;
use crate::providers::guard;

/// How often a provider is asked, and when no more.
pub(super) fn guarded<const R0: u64, const R1: u64, const F0: u64, const F1: u64, const S0: u64, const S1: u64>(
    calls_per_second: Bounded<R0, R1>,
    failures_max: Bounded<F0, F1>,
    suspended_s: Bounded<S0, S1>,
) -> guard::Settings {
    guard::Settings {
        per_second: NonZeroU32::new(calls_per_second.small()),
        failures_max: failures_max.small(),
        open_for: Duration::from_secs(suspended_s.get()),
        ..guard::Settings::default()
    }
}

/// Addresses, where they are stated, are such as our secrets may be sent to. `section` is the table they stand in.
pub(super) fn check_addresses(section: &str, addresses: &[(&str, &str)]) -> Result<(), String> {
    for (key, address) in addresses.iter().filter(|(_, address)| !address.is_empty()) {
        https_or_loopback(address).map_err(|error| format!("{section}.{key}: {error}"))?;
    }
    Ok(())
}
