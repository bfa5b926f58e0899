//! What a policy can name: the labels of the taxonomies that are built in.

use actix_web::web::Json;
use schemars::JsonSchema;
use serde::Serialize;

use crate::http::auth::Permission;
use crate::http::route::Route;
use crate::model::{Confidence, LabelPath};
use crate::policy::taxonomy::{KnownLabel, Scale, Taxonomy};

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/v1/taxonomies", "list_taxonomies", Permission::Read)
            .says(
                "What policies can name",
                "The taxonomies that policies are checked against, each with all of its labels, parents before their \
                 children. A policy names a taxonomy as `taxonomy` has it, and in a rule's `categories` a label by its \
                 path, or by the last names of it where no other label has them. Answers in another taxonomy are read by \
                 what their labels stand for in the policy's; a rule with a `taxonomy` of its own reads that one only.",
            )
            .answers::<Taxonomies>(200, "All of them.")
            .to(list_taxonomies),
    ]
}

/// The taxonomies that are built in.
#[derive(Debug, Serialize, JsonSchema)]
struct Taxonomies {
    /// All of them.
    items: Vec<TaxonomyView>,
}

/// A provider's labels, at one version of its model.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Taxonomy")]
struct TaxonomyView {
    /// As policies name it: `rekognition/7.0`.
    taxonomy: &'static str,
    /// Whose labels they are.
    provider: &'static str,
    /// Their version.
    version: &'static str,
    /// Where the list comes from.
    source: &'static str,
    /// What must be known of it.
    note: &'static str,
    /// The scale in which the provider says how sure it is; a rule may state a `score` where it is `unit`, 0 to 1,
    /// and a `from_severity` where it is `severity`, 1 to 3.
    scale: Scale,
    /// The least confidence that the provider reports: a lower threshold in a rule hits no more.
    floor: Confidence,
    /// Why.
    floor_note: &'static str,
    /// All labels.
    labels: Vec<LabelView>,
}

/// A label.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TaxonomyLabel")]
struct LabelView {
    /// Its place: the names of its parents and its own, with `/` between them.
    path: &'static LabelPath,
    /// Its parents' places, the root first. What a rule says of a parent holds for its children.
    parents: Vec<&'static str>,
    /// The least confidence it is ever given with, where that is more than the floor.
    from: Option<Confidence>,
    /// The provider calls it something else from this confidence on.
    below: Option<Confidence>,
}

async fn list_taxonomies() -> Json<Taxonomies> {
    Json(Taxonomies { items: Taxonomy::all().iter().map(TaxonomyView::of).collect() })
}

impl TaxonomyView {
    fn of(taxonomy: &'static Taxonomy) -> Self {
        let (provider, version) = taxonomy.name().split_once('/').unwrap_or((taxonomy.name(), ""));
        let (source, note) = taxonomy.provenance();
        let (floor, floor_note) = taxonomy.floor();
        let labels = taxonomy.labels().iter().map(LabelView::of).collect();
        Self {
            taxonomy: taxonomy.name(),
            provider,
            version,
            source,
            note,
            scale: taxonomy.scale(),
            floor,
            floor_note,
            labels,
        }
    }
}

impl LabelView {
    fn of(label: &'static KnownLabel) -> Self {
        let path = label.path.as_str();
        let parents = path.match_indices('/').map(|(at, _)| &path[..at]).collect();
        Self { path: &label.path, parents, from: label.from, below: label.below }
    }
}
