//! `[hive_dashboard]`: what the actions of Hive's Moderation Dashboard mean here, and by which secret it is known.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Bounded;
use crate::egress::{Secret, SecretError};
use crate::http::{Callbacks, Meaning};
use crate::model::{Action, ActionName, Approval};
use crate::providers::hive::dashboard::{Posts, UsersAs};

/// What the Dashboard's actions mean here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HiveDashboardConfig {
    /// The file that holds the secret which its actions send as their `Authorization`, of at least 32 characters, and
    /// nothing else; for nobody else to read.
    pub secret_file: PathBuf,
    /// The variable of the environment that holds the secret, where no file does.
    pub secret_env: String,
    /// The parameter of its callbacks that names the post: a frame. Default `post_id`.
    pub post_parameter: String,
    /// The parameter of its callbacks that names the user: a channel. Default `user_id`.
    pub user_parameter: String,
    /// As which user a channel is shown: by a `digest` of its id, or as the `channel` itself. Default `digest`.
    pub users_as: UsersAs,
    /// Seconds of its own time after which what is decided about a frame may warn, and never stops by itself, 0 to 86,400.
    /// Default 900.
    pub frame_age_max_s: Bounded<0, 86_400>,
    /// Seconds for which an action raises nothing in a channel after a person answered its warning, 0 to 86,400. Default
    /// 300.
    pub cooldown_s: Bounded<0, 86_400>,
    /// What each action means, at most 100. Default: none, and its callbacks are refused.
    pub actions: Vec<DashboardAction>,
}

/// What one action means here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DashboardAction {
    /// Its name in the callback's address: letters, digits, `.`, `_` and `-`.
    pub name: ActionName,
    /// What follows.
    pub then: Then,
    /// Whether a `person` must agree to a stop or suspension, or `none`. Default `person`.
    #[serde(default = "a_person")]
    pub approval: Approval,
    /// How grave it is, 1 (least) to 5. Default 4.
    #[serde(default = "grave")]
    pub severity: Bounded<1, 5>,
}

/// What follows from an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Then {
    /// It is recorded.
    Note,
    /// A person is asked.
    Warn,
    /// The broadcast is stopped.
    Stop,
    /// The keys are revoked and the broadcast is stopped.
    Suspend,
}

const SECRET_FILE: &str = "hive_dashboard.secret_file";
const SECRET_ENV: &str = "hive_dashboard.secret_env";
/// More than anybody has buttons for.
const ACTIONS_MAX: usize = 100;
/// The most bytes of a parameter's name.
const PARAMETER_BYTES_MAX: usize = 100;

fn a_person() -> Approval {
    Approval::Person
}

fn grave() -> Bounded<1, 5> {
    Bounded::of(4)
}

impl HiveDashboardConfig {
    /// Whether callbacks are taken.
    pub fn calls_back(&self) -> bool {
        !self.actions.is_empty()
    }

    /// What no single key can say.
    pub(super) fn check(&self) -> Result<(), String> {
        for (key, name) in [("post_parameter", &self.post_parameter), ("user_parameter", &self.user_parameter)] {
            if name.is_empty() || name.len() > PARAMETER_BYTES_MAX {
                return Err(format!("hive_dashboard.{key} must have 1 to {PARAMETER_BYTES_MAX} bytes"));
            }
        }
        if self.post_parameter == self.user_parameter {
            return Err("hive_dashboard.post_parameter and hive_dashboard.user_parameter are the same".to_owned());
        }
        if self.actions.len() > ACTIONS_MAX {
            return Err(format!("hive_dashboard.actions has {} entries, at most {ACTIONS_MAX}", self.actions.len()));
        }
        let mut known: Vec<&ActionName> = Vec::with_capacity(self.actions.len());
        for DashboardAction { name, .. } in &self.actions {
            let in_address = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
            if !name.as_str().bytes().all(in_address) {
                return Err(format!("hive_dashboard.actions: {name} may hold letters, digits and . _ - only"));
            }
            if known.contains(&name) {
                return Err(format!("hive_dashboard.actions has {name} twice"));
            }
            known.push(name);
        }
        match (self.secret_file.as_os_str().is_empty(), self.secret_env.is_empty()) {
            (true, true) if self.calls_back() => {
                Err(format!("hive_dashboard has actions and no secret: set {SECRET_FILE} or {SECRET_ENV}"))
            }
            (false, false) => Err(format!("{SECRET_FILE} and {SECRET_ENV} are both set; the secret is in one place")),
            (true, true) | (false, true) | (true, false) => Ok(()),
        }
    }

    /// The secret. Blocks: reads the file, or the variable.
    pub fn secret(&self) -> Result<Secret, SecretError> {
        if self.secret_file.as_os_str().is_empty() {
            Secret::of_variable(SECRET_ENV, &self.secret_env)
        } else {
            Secret::read(SECRET_FILE, &self.secret_file)
        }
    }

    /// What its callbacks mean. `patience`: how long a frame's outcome is waited for, which is as long as a frame may take.
    pub fn callbacks(&self, posts: Arc<Posts>, patience: Duration) -> Callbacks {
        let meaning = |action: &DashboardAction| {
            let then = match action.then {
                Then::Note => None,
                Then::Warn => Some(Action::Warn),
                Then::Stop => Some(Action::Stop),
                Then::Suspend => Some(Action::Suspend),
            };
            // From 1 to 5.
            let severity = action.severity.get() as u8;
            (action.name.clone(), Meaning { then, approval: action.approval, severity })
        };
        let actions: BTreeMap<ActionName, Meaning> = self.actions.iter().map(meaning).collect();
        let mut callbacks = Callbacks::of_hive(actions, posts);
        callbacks.post_parameter.clone_from(&self.post_parameter);
        callbacks.user_parameter.clone_from(&self.user_parameter);
        callbacks.users_as = self.users_as;
        callbacks.frame_age_max = Duration::from_secs(self.frame_age_max_s.get());
        callbacks.cooldown = Duration::from_secs(self.cooldown_s.get());
        callbacks.patience = patience;
        callbacks
    }
}

impl Default for HiveDashboardConfig {
    fn default() -> Self {
        Self {
            secret_file: PathBuf::new(),
            secret_env: String::new(),
            post_parameter: "post_id".to_owned(),
            user_parameter: "user_id".to_owned(),
            users_as: UsersAs::default(),
            frame_age_max_s: Bounded::of(900),
            cooldown_s: Bounded::of(300),
            actions: Vec::new(),
        }
    }
}
