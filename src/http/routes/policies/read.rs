//! Policies as they were published: what is in force, and what was.

use std::convert::Infallible;
use std::ops::Bound;
use std::sync::{Arc, Mutex, PoisonError};

use actix_web::web::{Data, Json, Path, Query};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::outline_of;
use crate::actors::{PolicyAct, PolicyDesk, PolicyVersion};
use crate::events::Actor;
use crate::http::App;
use crate::http::blocking::blocking;
use crate::http::list::{Limit, List};
use crate::http::problem::Problem;
use crate::journal::content::{Content, ContentError, Store};
use crate::model::{ContentRef, PolicyId, PolicyRef, Position, Timestamp};
use crate::policy::file;
use crate::policy::outline::Outline;

/// Versions shown with one policy, the newest.
const VERSIONS_SHOWN_MAX: usize = 200;

/// Which policies.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListPolicies {
    /// Go on after this policy: the `next` of the page before.
    after: Option<PolicyId>,
    /// Policies of a page.
    limit: Option<Limit>,
    /// Only policies that are in force, or only those that are not.
    in_force: Option<bool>,
    /// Only policies that run in shadow, or only those that do not.
    in_shadow: Option<bool>,
}

/// A policy.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Policy")]
pub(super) struct PolicyItem {
    /// Its id.
    id: PolicyId,
    /// The version in force; none if it was retired.
    in_force: Option<u32>,
    /// The version in shadow; none if none is.
    in_shadow: Option<u32>,
    /// How many versions are remembered, those that only ran in shadow included.
    versions: u32,
    /// The newest version that was put in force, or in shadow where none ever was in force.
    newest: VersionView,
}

/// A version and who put it in force.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PublishedVersion")]
pub(super) struct VersionView {
    /// Which.
    policy: PolicyRef,
    /// Whether it ran in shadow, beside the version in force.
    shadow: bool,
    /// Who put it there.
    published_by: Actor,
    /// When.
    published_at: Timestamp,
    /// Where that is recorded.
    position: Position,
    /// Who took it out again, without another version in its place.
    retired_by: Option<Actor>,
    /// When.
    retired_at: Option<Timestamp>,
}

/// One policy and its versions.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OnePolicy {
    /// The version in force, with every default written out; none if it was retired.
    in_force: Option<Outline>,
    /// The version in shadow, likewise.
    in_shadow: Option<Outline>,
    /// Its versions, newest first, those in shadow among them; at most 200.
    versions: Vec<VersionView>,
}

/// One version, as it was published.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct OneVersion {
    /// The version and who put it in force.
    #[serde(flatten)]
    version: VersionView,
    /// The text as it was published, which may hold other policies too; none if it was erased.
    text: Option<String>,
    /// Why it was published; none if nobody said, or if it was erased.
    why: Option<String>,
    /// Why it was retired; none if it was not, if nobody said, or if it was erased.
    retired_why: Option<String>,
    /// What the text says of this policy, with every default written out; none if it was erased.
    outline: Option<Outline>,
}

/// Runs `look` with the desk, where it may block: publishing holds it.
pub(super) async fn with_desk<T: Send + 'static>(
    app: &App,
    doing: &'static str,
    look: impl FnOnce(&mut PolicyDesk) -> T + Send + 'static,
) -> Result<T, Problem> {
    let desk: Arc<Mutex<PolicyDesk>> = app.policies.clone();
    // A publication that broke halfway left what is durable in the journal, which the desk reads before the next.
    blocking(doing, move || Ok::<_, Infallible>(look(&mut desk.lock().unwrap_or_else(PoisonError::into_inner)))).await
}

pub(super) async fn list(app: Data<App>, wanted: Query<ListPolicies>) -> Result<Json<List<PolicyItem>>, Problem> {
    let wanted = wanted.into_inner();
    let head = *app.journal.watermark().borrow();
    with_desk(&app, "listing policies", move |desk| Json(page(desk, &wanted, head))).await
}

fn page(desk: &PolicyDesk, wanted: &ListPolicies, head: Position) -> List<PolicyItem> {
    let limit = wanted.limit.unwrap_or_default().get();
    let from = wanted.after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
    let mut items: Vec<PolicyItem> = desk
        .history()
        .after(from)
        .filter_map(|(id, versions)| {
            let newest = match versions.published.back() {
                Some(newest) => VersionView::of(newest, false),
                None => VersionView::of(versions.shadowed.back()?, true),
            };
            let number = |version: &PolicyVersion| version.policy.version;
            Some(PolicyItem {
                id: id.clone(),
                in_force: versions.in_force().map(number),
                in_shadow: versions.in_shadow().map(number),
                versions: (versions.published.len() + versions.shadowed.len()) as u32,
                newest,
            })
        })
        .filter(|item| wanted.in_force.is_none_or(|wanted| item.in_force.is_some() == wanted))
        .filter(|item| wanted.in_shadow.is_none_or(|wanted| item.in_shadow.is_some() == wanted))
        .take(limit + 1)
        .collect();
    let more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| more).map(|item| item.id.to_string());
    List { items, next, complete: true, head }
}

pub(super) async fn get(app: Data<App>, id: Path<PolicyId>) -> Result<Json<OnePolicy>, Problem> {
    let id = id.into_inner();
    let nothing = Problem::not_found(format!("policy {id}"));
    let found = with_desk(&app, "reading a policy", move |desk| {
        let all = desk.history().of(&id)?;
        let published = all.published.iter().map(|version| VersionView::of(version, false));
        let mut versions: Vec<VersionView> =
            published.chain(all.shadowed.iter().map(|version| VersionView::of(version, true))).collect();
        versions.sort_by_key(|version| std::cmp::Reverse(version.policy.version));
        versions.truncate(VERSIONS_SHOWN_MAX);
        let in_shadow = desk.in_shadow(&id).map(|policy| Outline::of(policy));
        Some(OnePolicy { in_force: outline_of(desk, &id), in_shadow, versions })
    });
    found.await?.map(Json).ok_or(nothing)
}

pub(super) async fn version(app: Data<App>, path: Path<(PolicyId, u32)>) -> Result<Json<OneVersion>, Problem> {
    let (id, number) = path.into_inner();
    let wanted = PolicyRef { id, version: number };
    let nothing = Problem::not_found(format!("policy version {wanted}"));
    let named = wanted.clone();
    let found = with_desk(&app, "reading a policy version", move |desk| {
        let (version, shadow) = desk.history().of(&named.id)?.numbered(named.version)?;
        Some((version.clone(), shadow))
    });
    let Some((version, shadow)) = found.await? else { return Err(nothing) };
    let content = app.content.clone();
    let read = blocking("reading a policy's text", move || read_version(&content, &version, shadow)).await?;
    Ok(Json(read))
}

fn read_version(content: &Store, version: &PolicyVersion, shadow: bool) -> Result<OneVersion, ContentError> {
    let reason = |act: Option<&PolicyAct>| match act.and_then(|act| act.why.as_ref()) {
        Some(why) => plain(content, why),
        None => Ok(None),
    };
    let text = plain(content, &version.text)?;
    let outline = text.as_deref().and_then(|text| {
        let loaded = file::load(&version.policy.to_string(), text).ok()?;
        let found = loaded.into_iter().find(|one| one.policy.reference.id == version.policy.id)?;
        Some(Outline { policy: version.policy.clone(), ..Outline::of(&found.policy) })
    });
    Ok(OneVersion {
        version: VersionView::of(version, shadow),
        text,
        why: reason(Some(&version.published))?,
        retired_why: reason(version.retired.as_ref())?,
        outline,
    })
}

/// The text, if it was not erased.
fn plain(content: &Store, wanted: &ContentRef) -> Result<Option<String>, ContentError> {
    Ok(match content.get(wanted)? {
        Content::Plain(bytes) => Some(String::from_utf8_lossy(&bytes).into_owned()),
        Content::Erased | Content::Expired => None,
    })
}

impl VersionView {
    fn of(version: &PolicyVersion, shadow: bool) -> Self {
        let PolicyVersion { policy, text: _, published, retired } = version;
        Self {
            policy: policy.clone(),
            shadow,
            published_by: published.by.clone(),
            published_at: published.at,
            position: published.position,
            retired_by: retired.as_ref().map(|act| act.by.clone()),
            retired_at: retired.as_ref().map(|act| act.at),
        }
    }
}
