//! The API described by itself: for programs, and for people.

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_SECURITY_POLICY, ContentType};
use actix_web::web::Data;

use crate::http::auth::Permission;
use crate::http::openapi::Description;
use crate::http::page;
use crate::http::route::Route;

pub(in crate::http) fn routes() -> Vec<Route> {
    vec![
        Route::get("/openapi.json", "get_openapi", Permission::Open)
            .says("This description", "OpenAPI 3.1, generated from the routes that this server answers.")
            .answers_as(200, "application/json", "The description.")
            .to(get_openapi),
        Route::get("/docs", "get_docs", Permission::Open)
            .says("This description, to read", "The same as a page: no script, nothing loaded from elsewhere.")
            .answers_as(200, "text/html", "The page.")
            .to(get_docs),
        Route::get("/docs/style.css", "get_docs_style", Permission::Open)
            .says("The page's style", "")
            .answers_as(200, "text/css", "The style sheet.")
            .to(get_docs_style),
    ]
}

async fn get_openapi(description: Data<Description>) -> HttpResponse {
    HttpResponse::Ok().insert_header(ContentType::json()).body(description.json())
}

async fn get_docs(description: Data<Description>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(ContentType::html())
        .insert_header((CONTENT_SECURITY_POLICY, "default-src 'none'; style-src 'self'; frame-ancestors 'none'"))
        .body(page::render(description.document()))
}

async fn get_docs_style() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((actix_web::http::header::CONTENT_TYPE, "text/css; charset=utf-8"))
        .body(page::STYLE)
}
