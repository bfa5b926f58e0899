//! HTTP in, HTTP out: both interfaces, and what a tour needs to look at the stand-in and to script it.

use std::sync::{Arc, Mutex};

use actix_web::http::StatusCode;
use actix_web::http::header::{AUTHORIZATION, CONTENT_TYPE};
use actix_web::web::{self, Bytes};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::Value;

use super::film::{Film, Sound};
use super::seen::{HEADS, Picture};
use super::shapes;
use super::world::{CHARGE_MICROS, Call, Fault, World};

pub type Shared = web::Data<Arc<Mutex<World>>>;

/// What was shown.
struct Media {
    url: Option<String>,
    file: Option<(String, String)>,
    bytes: Option<Vec<u8>>,
}

pub fn routes(config: &mut web::ServiceConfig) {
    config
        .route("/api/v2/task/sync", web::post().to(v2))
        .route("/api/v3/hive/visual-moderation", web::post().to(v3))
        .route("/_standin/calls", web::get().to(calls))
        .route("/_standin/script", web::post().to(script))
        .default_service(web::to(|| async { refused(404, "Not found") }));
}

/// Every call so far, and what was charged for them.
async fn calls(world: Shared) -> HttpResponse {
    let world = world.lock().unwrap();
    HttpResponse::Ok().json(serde_json::json!({ "calls": world.calls, "charged_micros": world.charged_micros }))
}

/// Faults to show from the next call on.
async fn script(faults: web::Json<Vec<Fault>>, world: Shared) -> HttpResponse {
    world.lock().unwrap().faults.extend(faults.into_inner());
    HttpResponse::NoContent().finish()
}

async fn v2(request: HttpRequest, body: Bytes, world: Shared) -> HttpResponse {
    let media = match form(&request, &body) {
        Some((name, file, value)) if name == "media" => Media { url: None, file, bytes: Some(value) },
        Some((name, _, value)) if name == "url" => {
            Media { url: String::from_utf8(value).ok(), file: None, bytes: None }
        }
        _ => Media { url: None, file: None, bytes: None },
    };
    answer("v2", "Token", &request, media, world).await
}

async fn v3(request: HttpRequest, body: Bytes, world: Shared) -> HttpResponse {
    let media = match form(&request, &body) {
        Some((name, file, value)) if name == "media" => Media { url: None, file, bytes: Some(value) },
        _ => {
            let said: Value = serde_json::from_slice(&body).unwrap_or_default();
            Media { url: said["input"][0]["media_url"].as_str().map(str::to_owned), file: None, bytes: None }
        }
    };
    answer("v3", "Bearer", &request, media, world).await
}

async fn answer(
    api: &'static str,
    scheme: &str,
    request: &HttpRequest,
    mut media: Media,
    world: Shared,
) -> HttpResponse {
    let said = request.headers().get(AUTHORIZATION).and_then(|said| said.to_str().ok()).unwrap_or_default();
    let (project, fault, over) = {
        let mut world = world.lock().unwrap();
        let is = |key: &str| said == format!("{scheme} {key}");
        let project = match api {
            _ if is(&world.key) => Some(Project::Sees),
            "v2" if is(&world.speech_key) => Some(Project::Hears),
            _ => None,
        };
        let over = world.refusal();
        (project, world.faults.pop_front().unwrap_or_default(), over)
    };
    if let (Some(url), None) = (&media.url, &media.bytes) {
        media.bytes = fetched(url).await;
    }
    let call = Call {
        api,
        url: media.url.clone(),
        file: media.file.clone(),
        bytes: media.bytes.as_ref().map(Vec::len),
        status: 0,
    };
    let at = {
        let mut world = world.lock().unwrap();
        world.calls.push(call);
        world.calls.len() - 1
    };
    let response = match (project, over) {
        (None, _) => refused(403, "Invalid Auth Token"),
        (Some(_), Some((status, message))) => refused(status, message),
        (Some(project), None) => shown(api, project, &media, fault, &world).await,
    };
    world.lock().unwrap().calls[at].status = response.status().as_u16();
    response
}

/// Whose key was said. A project is a model.
#[derive(Clone, Copy)]
enum Project {
    Sees,
    Hears,
}

async fn shown(api: &str, project: Project, media: &Media, fault: Fault, world: &Shared) -> HttpResponse {
    match &fault {
        Fault::Error { status, message, retry_after_s } => {
            let mut response = refused(*status, message);
            if let Some(wait) = retry_after_s {
                let wait = wait.to_string().parse().unwrap();
                response.headers_mut().insert(actix_web::http::header::RETRY_AFTER, wait);
            }
            return response;
        }
        Fault::Body { status, media_type, body } => {
            let status = StatusCode::from_u16(*status).unwrap();
            return HttpResponse::build(status).content_type(media_type.as_str()).body(body.clone());
        }
        Fault::Hang => std::future::pending().await,
        Fault::Huge { bytes } => {
            return HttpResponse::Ok().content_type("application/json").body(" ".repeat(*bytes));
        }
        Fault::Cut => {
            let parts = [Ok(Bytes::from_static(b"{\"id\": \"0")), Err(std::io::Error::other("cut as scripted"))];
            return HttpResponse::Ok().content_type("application/json").streaming(futures_util::stream::iter(parts));
        }
        Fault::Redirect { to } => return HttpResponse::Found().insert_header(("location", to.as_str())).finish(),
        Fault::None
        | Fault::Score { .. }
        | Fault::Without { .. }
        | Fault::TwoMoments
        | Fault::Unsupported { .. }
        | Fault::NotDone { .. } => {}
    }
    let Some(bytes) = &media.bytes else {
        // Such services like to say what they were given.
        let given = media.url.as_deref().unwrap_or("no media");
        return refused(400, &format!("Could not fetch media: {given}"));
    };
    let filename = media.file.as_ref().map_or("", |(name, _)| name.as_str());
    let judged = match project {
        Project::Sees => seen(api, bytes, filename, media.url.as_deref(), &fault),
        Project::Hears => heard(bytes, filename, &fault),
    };
    let Some((mut said, charge)) = judged else { return refused(400, "Unsupported media type") };
    match fault {
        Fault::Score { class, score } => put(&mut said, &class, &score),
        Fault::NotDone { code, message } => {
            said["status"][0]["status"] = serde_json::json!({ "code": code, "message": message });
            said["status"][0]["response"] = Value::Null;
        }
        _ => world.lock().unwrap().charge(charge),
    }
    HttpResponse::Ok().json(said)
}

/// What is seen in a picture or a clip, and what it costs; none if it is neither.
fn seen(api: &str, bytes: &[u8], filename: &str, url: Option<&str>, fault: &Fault) -> Option<(Value, u64)> {
    let without = |classes: &mut Vec<(String, f64)>| {
        let Fault::Without { head } = fault else { return };
        let head = HEADS.iter().find(|known| known.head == *head).unwrap();
        classes.retain(|(class, _)| !head.positive.contains(class) && !head.negative.contains(class));
    };
    if let Some(mut picture) = Picture::of(bytes) {
        without(&mut picture.classes);
        let moments = if *fault == Fault::TwoMoments { 2 } else { 1 };
        let said = match api {
            "v2" => shapes::v2(&picture, url, filename, moments),
            _ => shapes::v3(&picture, moments),
        };
        return Some((said, CHARGE_MICROS));
    }
    let mut film = Film::of(bytes)?;
    if let Some((_, classes)) = film.moments.last_mut() {
        without(classes);
    }
    if *fault == Fault::TwoMoments {
        film.moments.push(film.moments[0].clone());
    }
    let said = if api == "v2" { shapes::v2_clip(&film, filename) } else { shapes::v3_of(&film.moments) };
    Some((said, CHARGE_MICROS * film.moments.len() as u64))
}

/// What is heard in a sound, and what it costs; none if it is none.
fn heard(bytes: &[u8], filename: &str, fault: &Fault) -> Option<(Value, u64)> {
    let sound = Sound::of(bytes)?;
    let language = match fault {
        Fault::Unsupported { language } => Some(language.as_str()),
        _ => None,
    };
    Some((shapes::speech(&sound, filename, language), shapes::speech_charge(&sound)))
}

/// Puts a class of that score into an answer, in place of the one of its name if it is there.
fn put(answer: &mut Value, name: &str, score: &Value) {
    let is_v2 = answer.get("status").is_some();
    let (class, value) = if is_v2 { ("class", "score") } else { ("class_name", "value") };
    let output = if is_v2 { &mut answer["status"][0]["response"]["output"] } else { &mut answer["output"] };
    let first = if output[0].get("classifications").is_some() {
        &mut output[0]["classifications"][0] // a sentence
    } else {
        &mut output[0] // a moment
    };
    let classes = first["classes"].as_array_mut().unwrap();
    match classes.iter_mut().find(|known| known[class] == name) {
        Some(known) => known[value] = score.clone(),
        None => classes.push(serde_json::json!({ class: name, value: score })),
    }
}

fn refused(status: u16, message: &str) -> HttpResponse {
    HttpResponse::build(StatusCode::from_u16(status).unwrap()).json(shapes::error(status, message))
}

/// What lies at an address: the stand-in goes there as the service does.
async fn fetched(url: &str) -> Option<Vec<u8>> {
    let _ = rustls::crypto::ring::default_provider().install_default(); // reqwest wants one; the first caller sets it
    let client = reqwest::Client::builder().no_proxy().build().ok()?;
    let answer = client.get(url).send().await.ok()?;
    let answer = answer.error_for_status().ok()?;
    Some(answer.bytes().await.ok()?.to_vec())
}

/// The first part of a form: its name, its file's name and media type, and its value.
#[allow(clippy::type_complexity)] // three things of one part, read in one place
fn form(request: &HttpRequest, body: &[u8]) -> Option<(String, Option<(String, String)>, Vec<u8>)> {
    let content_type = request.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=")?;
    let rest = body.strip_prefix(format!("--{boundary}\r\n").as_bytes())?;
    let head_end = rest.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = std::str::from_utf8(&rest[..head_end]).ok()?;
    let value = rest[head_end + 4..].strip_suffix(format!("\r\n--{boundary}--\r\n").as_bytes())?;
    let quoted = |name: &str| {
        let (_, after) = head.split_once(&format!("{name}=\""))?;
        Some(after.split('"').next()?.to_owned())
    };
    let media_type = head.lines().find_map(|line| line.strip_prefix("content-type: ")).map(str::to_owned);
    Some((quoted("; name")?, quoted("filename").zip(media_type), value.to_vec()))
}
