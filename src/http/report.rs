//! A report as a page for people, from the laboratory: it may show itself with its one style, and nothing may hold it.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType};

use crate::laboratory::html::content_security_policy;

/// The answer that holds the page.
pub(in crate::http) fn page(page: String) -> HttpResponse {
    let policy = format!("{}; frame-ancestors 'none'", content_security_policy());
    HttpResponse::Ok().insert_header(ContentType::html()).insert_header((CONTENT_SECURITY_POLICY, policy)).body(page)
}
