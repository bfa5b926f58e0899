//! What a broadcast shows, as far as a moderation system can see it: scenes with a perceptual hash, a mean luma
//! difference between any two moments, and what a model says of the picture.
//!
//! The figures are those measured on pictures (docs/benches.md and the tests of imaging): neighbours of a moving shot
//! differ by 2.6 bits in the mean and 8 at p95, their luma by 0.74 to 8.1; repeats of a noisy slate by 4 to 14 bits,
//! close to half of them by more than 10, and their luma by 0.04 to 0.06; pictures across a cut by 18 bits and more,
//! and their luma by 19.8 and more.

use streamwarden::model::{Confidence, HashScheme, LumaDelta, PerceptualHash};

use crate::random::Random;

/// What a scene is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shows {
    /// Nothing that a model reports.
    Harmless,
    /// Nothing harmful, and a model is close to saying so.
    Borderline,
    /// Nothing harmful, and a model says so.
    LooksHarmful,
    /// Something harmful, which a model sees most of the time.
    Harmful,
}

/// A shot, from one cut to the next, where the next one begins.
#[derive(Debug, Clone)]
pub struct Scene {
    /// When it begins, in milliseconds of the simulation.
    pub from: u64,
    /// What is random of it.
    pub seed: u64,
    /// A title card: nothing moves, every bit of its hash is the encoder's noise.
    pub is_slate: bool,
    /// Bits of the hash that its movement turns over in an hour.
    pub bits_per_hour: u64,
    /// What it shows.
    pub shows: Shows,
    /// From when on it shows that; before, something harmless. A slow drift turns in mid-scene.
    pub turns: u64,
}

/// A picture: a scene at a moment.
#[derive(Debug, Clone, Copy)]
pub struct Picture<'a> {
    scene: &'a Scene,
    at: u64,
}

const HOUR: u64 = 3_600_000;
/// Bits by which two pictures of different scenes differ, more or less.
const HALF: u64 = 32;

impl<'a> Picture<'a> {
    /// What is on the screen of a broadcast with these scenes, in order, at a moment of it.
    pub fn at(scenes: &'a [Scene], at: u64) -> Self {
        let place = scenes.partition_point(|scene| scene.from <= at).saturating_sub(1);
        Self { scene: &scenes[place], at }
    }

    /// Whether it is harmful, whatever a model says.
    pub fn is_harmful(&self) -> bool {
        self.shows() == Shows::Harmful
    }

    fn shows(&self) -> Shows {
        if self.at < self.scene.turns { Shows::Harmless } else { self.scene.shows }
    }

    /// Bits turned over since the scene began.
    fn moved(&self) -> u64 {
        (self.at - self.scene.from) * self.scene.bits_per_hour / HOUR
    }

    /// Its perceptual hash.
    pub fn hash(&self) -> PerceptualHash {
        // Movement turns one random picture into another, half of whose bits differ, and that into the next.
        let (shot, turned) = (self.moved() / HALF, self.moved() % HALF);
        let [now, next] = [shot, shot + 1].map(|shot| Random::of(self.scene.seed, shot ^ 0x5807).bits());
        let mut order = Random::of(self.scene.seed, shot);
        let (step, first) = (order.bits() | 1, order.bits()); // an odd step visits each bit before any one again
        let moved = (0..2 * turned).fold(0u64, |bits, n| bits | 1 << (first.wrapping_add(n.wrapping_mul(step)) % 64));
        let mut noise = Random::of(self.scene.seed, self.at);
        let count = match (self.scene.is_slate, noise.between(0, 9)) {
            (true, _) => noise.between(2, 8),
            (false, 0..4) => 0,
            (false, 4..7) => 1,
            (false, 7..9) => 2,
            (false, _) => 4,
        };
        let noise = (0..count).fold(0u64, |bits, _| bits | 1 << noise.between(0, 63));
        PerceptualHash { scheme: HashScheme::MedianDctFromDc, bits: (now & !moved | next & moved) ^ noise }
    }

    /// The mean luma difference to another picture of the same broadcast.
    pub fn luma(&self, other: &Picture<'_>) -> LumaDelta {
        let mut between =
            Random::of(self.scene.seed ^ other.scene.seed.rotate_left(1), self.at ^ other.at.rotate_left(32));
        let hundredths = if self.scene.seed != other.scene.seed {
            between.between(1_980, 6_000)
        } else if self.scene.is_slate {
            between.between(4, 6)
        } else {
            74 + 25 * self.moved().abs_diff(other.moved()).min(70) + between.between(0, 200)
        };
        LumaDelta(hundredths as u16) // at most 60 grey levels
    }

    /// The confidence with which a model reports the one category that it ever reports of this broadcast; none if it
    /// reports nothing. A model is of one mind on a shot, and wavers a little from picture to picture.
    pub fn confidence(&self) -> Option<Confidence> {
        let mut of_scene = Random::of(self.scene.seed, 2);
        let (low, high) = match self.shows() {
            Shows::Harmless => return None,
            Shows::Borderline => (62.0, 78.0),
            Shows::LooksHarmful => (81.0, 95.0),
            Shows::Harmful if of_scene.chance(0.1) => (50.0, 78.0), // it does not see it, in this shot
            Shows::Harmful => (82.0, 99.0),
        };
        let sure = low + (high - low) * of_scene.unit();
        let wavering = 1.5 * Random::of(self.scene.seed, self.at ^ 3).normal();
        let reported = (sure + wavering).clamp(0.0, 100.0);
        (reported >= 50.0).then(|| Confidence::from_percent(reported).expect("between 0 and 100"))
    }
}
