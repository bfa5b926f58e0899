//! How many requests a caller may make: a bucket per caller and kind of request, refilled evenly. Knows neither routes
//! nor answers.

use std::hash::Hash;
use std::net::IpAddr;
use std::num::NonZeroU32;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use serde::{Deserialize, Serialize};

use crate::model::ModeratorId;

/// The most callers that are told apart per kind. Beyond it newcomers share one bucket: a flood of addresses must not
/// become a flood of memory.
const CALLERS_MAX: usize = 65_536;

/// `[http.rates]`: how many requests, by kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RateConfig {
    /// All requests from one address, counted before anybody is asked who they are. Behind a proxy everybody has its
    /// address. An IPv6 network of 64 bits counts as one address.
    pub address: Rate,
    /// Requests of one caller that only read.
    pub read: Rate,
    /// Requests of one caller that change something, other than frames.
    pub write: Rate,
    /// Frames of one caller.
    pub ingest: Rate,
    /// Attempts to sign in to the pages from one address, as the first counts it.
    pub sign_in: Rate,
}

/// A rate, and how far ahead of it somebody may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rate {
    /// Requests per second, in the long run: 1 to 1,000,000.
    pub per_s: NonZeroU32,
    /// Requests at once after a pause: 1 to 1,000,000.
    pub burst: NonZeroU32,
}

/// A kind of request, counted by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RateClass {
    /// Only reads.
    Read,
    /// Changes something.
    Write,
    /// Hands in a frame.
    Ingest,
}

impl RateClass {
    /// A word for it: a metric's label.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Ingest => "ingest",
        }
    }
}

/// A rate that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("http.rates.{key} must be 1 to {max}, it is {found}", max = Rate::MAX)]
pub struct RateError {
    key: &'static str,
    found: u32,
}

/// Too many; when there is room for the next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) struct TooMany {
    /// Whole seconds, at least 1.
    pub retry_after_s: u32,
}

/// The buckets of everybody.
pub(in crate::http) struct Rates<C: Clock = DefaultClock> {
    address: Buckets<IpAddr, C>,
    read: Buckets<ModeratorId, C>,
    write: Buckets<ModeratorId, C>,
    ingest: Buckets<ModeratorId, C>,
    sign_in: Buckets<IpAddr, C>,
}

impl Rate {
    /// The most per second, and at once: more than one machine answers.
    pub const MAX: u32 = 1_000_000;

    /// So many per second, and twice as many at once.
    const fn per_s(per_s: u32) -> Self {
        Self { per_s: at_least_one(per_s), burst: at_least_one(per_s * 2) }
    }

    const fn quota(self) -> Quota {
        Quota::per_second(self.per_s).allow_burst(self.burst)
    }
}

const fn at_least_one(count: u32) -> NonZeroU32 {
    match NonZeroU32::new(count) {
        Some(count) => count,
        None => NonZeroU32::MIN,
    }
}

impl RateConfig {
    /// As many as there can be: for a bench, where the limit would be what is measured.
    pub const UNLIMITED: Self = {
        let all = Rate { per_s: at_least_one(Rate::MAX), burst: at_least_one(Rate::MAX) };
        Self { address: all, read: all, write: all, ingest: all, sign_in: all }
    };

    /// Checks what types cannot say.
    ///
    /// # Errors
    /// The first number that is too large, by its key.
    pub fn check(&self) -> Result<(), RateError> {
        let named = [
            ("address.per_s", self.address.per_s),
            ("address.burst", self.address.burst),
            ("read.per_s", self.read.per_s),
            ("read.burst", self.read.burst),
            ("write.per_s", self.write.per_s),
            ("write.burst", self.write.burst),
            ("ingest.per_s", self.ingest.per_s),
            ("ingest.burst", self.ingest.burst),
            ("sign_in.per_s", self.sign_in.per_s),
            ("sign_in.burst", self.sign_in.burst),
        ];
        match named.into_iter().find(|(_, count)| count.get() > Rate::MAX) {
            Some((key, count)) => Err(RateError { key, found: count.get() }),
            None => Ok(()),
        }
    }
}

impl Default for RateConfig {
    fn default() -> Self {
        Self {
            address: Rate::per_s(4_000),
            read: Rate::per_s(200),
            write: Rate::per_s(50),
            ingest: Rate::per_s(2_000), // ten thousand channels, a frame every five seconds
            sign_in: Rate { per_s: at_least_one(1), burst: at_least_one(50) }, // a shift that begins, behind one proxy
        }
    }
}

impl<C: Clock + Clone> Rates<C> {
    pub fn new(config: &RateConfig, clock: &C) -> Self {
        Self {
            address: Buckets::new(config.address, clock),
            read: Buckets::new(config.read, clock),
            write: Buckets::new(config.write, clock),
            ingest: Buckets::new(config.ingest, clock),
            sign_in: Buckets::new(config.sign_in, clock),
        }
    }

    /// Counts a request from an address.
    pub fn count_address(&self, address: IpAddr) -> Result<(), TooMany> {
        self.address.count(&network(address))
    }

    /// Counts an attempt to sign in from an address.
    pub fn count_sign_in(&self, address: IpAddr) -> Result<(), TooMany> {
        self.sign_in.count(&network(address))
    }

    /// Counts a request of a caller.
    pub fn count(&self, class: RateClass, caller: &ModeratorId) -> Result<(), TooMany> {
        match class {
            RateClass::Read => self.read.count(caller),
            RateClass::Write => self.write.count(caller),
            RateClass::Ingest => self.ingest.count(caller),
        }
    }
}

/// What one subscriber has: an IPv4 address, or an IPv6 network of 64 bits.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut octets = v6.octets();
            octets[8..].fill(0);
            IpAddr::V6(octets.into())
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

type Keyed<K, C> = RateLimiter<K, HashMapStateStore<K>, C, NoOpMiddleware<<C as Clock>::Instant>>;
type Alone<C> = RateLimiter<NotKeyed, InMemoryState, C, NoOpMiddleware<<C as Clock>::Instant>>;

struct Buckets<K: Hash + Eq + Clone, C: Clock> {
    each: Keyed<K, C>,
    /// Of all newcomers while there is no room to tell them apart.
    crowd: Alone<C>,
    /// How often the full buckets of who has long gone are looked for, which takes a walk over all.
    sweeps: Alone<C>,
    clock: C,
}

impl<K: Hash + Eq + Clone, C: Clock + Clone> Buckets<K, C> {
    fn new(rate: Rate, clock: &C) -> Self {
        Self {
            each: RateLimiter::new(rate.quota(), HashMapStateStore::default(), clock.clone()),
            crowd: RateLimiter::direct_with_clock(rate.quota(), clock.clone()),
            sweeps: RateLimiter::direct_with_clock(Quota::per_second(NonZeroU32::MIN), clock.clone()),
            clock: clock.clone(),
        }
    }

    fn count(&self, key: &K) -> Result<(), TooMany> {
        if self.each.len() >= CALLERS_MAX && self.sweeps.check().is_ok() {
            self.each.retain_recent();
        }
        let counted = if self.each.len() >= CALLERS_MAX { self.crowd.check() } else { self.each.check_key(key) };
        counted.map_err(|until| {
            let wait_ms = until.wait_time_from(self.clock.now()).as_millis();
            let retry_after_s = u32::try_from(wait_ms.div_ceil(1000)).unwrap_or(u32::MAX).max(1);
            TooMany { retry_after_s }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn rates(clock: &FakeRelativeClock, per_s: u32, burst: u32) -> Rates<FakeRelativeClock> {
        let rate = Rate { per_s: at_least_one(per_s), burst: at_least_one(burst) };
        let config = RateConfig { address: rate, read: rate, write: rate, ingest: rate, sign_in: rate };
        Rates::new(&config, clock)
    }

    fn caller(name: &str) -> ModeratorId {
        ModeratorId::new(name).expect("a sound name")
    }

    #[test]
    fn a_burst_passes_then_the_rate_and_each_caller_and_kind_has_its_own() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock, 2, 3);
        let (one, other) = (caller("one"), caller("other"));
        for _ in 0..3 {
            assert_eq!(rates.count(RateClass::Read, &one), Ok(()));
        }
        assert_eq!(rates.count(RateClass::Read, &one), Err(TooMany { retry_after_s: 1 }));
        assert_eq!(rates.count(RateClass::Write, &one), Ok(()));
        assert_eq!(rates.count(RateClass::Ingest, &one), Ok(()));
        assert_eq!(rates.count(RateClass::Read, &other), Ok(()));
        clock.advance(Duration::from_millis(500));
        assert_eq!(rates.count(RateClass::Read, &one), Ok(()));
        assert!(rates.count(RateClass::Read, &one).is_err());
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_a_mapped_ipv4_is_itself() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock, 1, 1);
        let count = |text: &str| rates.count_address(text.parse().expect("an address")).is_ok();
        assert!(count("2001:db8:1:2::1"));
        assert!(!count("2001:db8:1:2:ffff::9"), "the same network");
        assert!(count("2001:db8:1:3::1"));
        assert!(count("192.0.2.1") && count("192.0.2.2"));
        assert!(!count("::ffff:192.0.2.1"), "the same address");
    }

    #[test]
    fn a_flood_of_addresses_shares_one_bucket_and_leaves_no_more_than_so_many_behind() {
        let clock = FakeRelativeClock::default();
        let rates = rates(&clock, 1, 1);
        let flood = u32::try_from(CALLERS_MAX).expect("a small number") + 1_000;
        let passed = (0..flood).filter(|n| rates.count_address(IpAddr::from(n.to_be_bytes())).is_ok()).count();
        assert_eq!(passed, CALLERS_MAX + 1, "each its own, then one of the crowd");
        assert!(rates.address.each.len() <= CALLERS_MAX);
        clock.advance(Duration::from_secs(5)); // by now all buckets are full again, and forgotten when room is needed
        assert!(rates.count_address(IpAddr::from([255, 0, 0, 1])).is_ok());
        assert!(rates.address.each.len() < 10);
    }

    #[test]
    fn a_rate_out_of_bounds_is_refused_by_its_key() {
        assert_eq!(RateConfig::default().check(), Ok(()));
        assert_eq!(RateConfig::UNLIMITED.check(), Ok(()));
        let config: RateConfig = toml::from_str("read = { per_s = 5, burst = 2000000 }").expect("numbers");
        let error = config.check().expect_err("too large").to_string();
        assert!(error.contains("http.rates.read.burst") && error.contains("2000000"), "{error}");
        assert!(toml::from_str::<RateConfig>("read = { per_s = 0, burst = 1 }").is_err());
    }
}
