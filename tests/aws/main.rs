//! AWS as the program uses it: the official SDK over HTTP on loopback, against an emulator and stand-ins that validate
//! every call by the service's own model. Nothing here calls AWS.
#![allow(clippy::unwrap_used)] // tests: a panic is the report

mod by_object;
mod conforms;
mod doctor;
mod erasure;
mod evidence;
mod ivs;
mod judging;
mod killed;
mod kinesis;
mod lost_evidence;
mod outbox;
mod premises;
mod queue;
mod rekognition;
mod s3;
mod serving;
mod shards;
mod standin;
mod standins;
mod transcripts;
mod unnamed;
mod whole;
