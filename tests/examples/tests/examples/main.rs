//! The definitions in `examples/`, and every kind of step, on a real server with real workers.

mod batches;
mod cancelling;
mod chains;
mod children;
mod control;
mod data;
mod dead;
mod etl;
mod events;
mod failures;
mod gates;
mod images;
mod jobs;
mod loops;
mod onboarding;
mod orders;
mod page;
mod people;
mod sagas;
mod shared;
mod site;
mod slots;
mod stubs;
mod taking_over;
mod tasks;
mod tenants;
