//! Activities that answer by a table. What goes wrong is said by the input: a test needs no state of its own in them.

use std::time::Duration;

use sagaline_model::OnError;
use sagaline_sdk::worker::{ActivityContext, ActivityError, NewStep, Outcome, Worker};
use serde_json::{Value, json};

use crate::site::note;

type Answer = Result<Value, ActivityError>;
/// From the number of the attempt and the input.
type Stub = fn(u32, &Value) -> Answer;

const TABLE: &[(&str, Stub)] = &[
    // Orders.
    ("orders.validate", |_, input| {
        let order = text(&input["order_id"]);
        if order == "bad" {
            return error("InvalidOrder", "there is nothing in it");
        }
        // An order is named after what is to happen to it.
        let total = match order {
            "doubtful" => 1_000,
            "fraud" => 5_000,
            _ => 30,
        };
        Ok(json!({ "customer": "ann", "items": [order], "total": total, "card": order }))
    }),
    ("fraud.screen", |_, input| match input["total"].as_u64() {
        Some(..1_000) => Ok(json!({ "verdict": "clear" })),
        Some(1_000) => Ok(json!({ "verdict": "review" })),
        _ => Ok(json!({ "verdict": "reject" })),
    }),
    ("stock.reserve", |_, input| match text(&input["items"][0]) {
        "out-of-stock" => error("OutOfStock", "the last one is gone"),
        _ => Ok(json!({ "reservation": "r-1" })),
    }),
    ("payments.authorize", |_, input| match text(&input["card"]) {
        "declined" => error("CardDeclined", "no funds"),
        _ => Ok(json!({ "authorization": "a-1" })),
    }),
    ("payments.capture", |_, _| Ok(json!({ "payment": "p-1" }))),
    // The carrier is busy at the first try, and does not drive everywhere.
    ("parcels.send", |attempt, input| match attempt {
        _ if input["order_id"] == "unshippable" => error("NoCarrier", "nobody drives there"),
        1 => error("Busy", "later"),
        _ => Ok(json!({ "tracking": "t-1" })),
    }),
    ("parcels.call_back", |_, _| Ok(Value::Null)),
    ("payments.refund", |_, _| Ok(Value::Null)),
    ("payments.void", |_, _| Ok(Value::Null)),
    ("stock.release", |_, _| Ok(Value::Null)),
    ("orders.close", |_, _| Ok(Value::Null)),
    ("orders.mark_failed", |_, _| Ok(Value::Null)),
    ("orders.mark_cancelled", |_, _| Ok(Value::Null)),
    // What is tidied up at night.
    ("maintenance.clean_files", |_, _| Ok(json!({ "count": 12 }))),
    ("maintenance.archive_history", |_, input| Ok(json!({ "count": input["days_old"] }))),
    ("maintenance.update_analytics", |_, _| Ok(json!({ "success": true }))),
    // Messages and numbers, for several examples.
    ("messages.mail", |_, input| match text(&input["customer"]) {
        "bounce@example.com" => Err(ActivityError::new("Bounced", "no such address").not_retryable()),
        _ => Ok(Value::Null),
    }),
    ("messages.text", |_, _| Err(ActivityError::new("NoPhone", "there is no number").not_retryable())),
    ("messages.post", |_, _| Ok(Value::Null)),
    ("messages.format", |_, input| Ok(json!({ "text": format!("{}!", text(&input["template"])) }))),
    ("messages.send", |_, input| match text(&input["channel"]) {
        "pigeon" => Err(ActivityError::new("NoSuchChannel", "no pigeon is left").not_retryable()),
        _ => Ok(Value::Null),
    }),
    ("messages.log", |_, _| Ok(Value::Null)),
    ("messages.plan_course", |_, _| Ok(Value::Null)),
    ("analytics.count", |_, _| Ok(Value::Null)),
    // One day into three places.
    ("etl.extract", |_, input| Ok(json!({ "table": input["table"], "at": format!("lake/{}", text(&input["day"])) }))),
    ("etl.join", |_, input| Ok(json!({ "at": input[0]["at"], "rows": 7, "tables": input.as_array().map(Vec::len) }))),
    ("etl.check", |_, input| match text(&input["at"]) {
        "lake/2026-02-28" => error("BadRows", "3 rows have no customer"),
        _ => Ok(Value::Null),
    }),
    ("etl.load", |_, input| match (text(&input["from"]), text(&input["into"])) {
        ("lake/2026-03-31", "search") => error("Down", "the search is down"),
        _ => Ok(Value::Null),
    }),
    ("etl.unload", |_, _| Ok(Value::Null)),
    ("etl.report", |_, input| Ok(json!({ "report": format!("reports/{}", text(&input["day"])) }))),
    // The report of a day, or of the moment that a schedule says.
    ("reports.fetch", |_, input| {
        let (kind, day) = (text(&input["report_type"]), text(&input["day"]).get(..10).unwrap_or_default());
        Ok(json!({ "day": day, "at": format!("lake/{kind}/{day}"), "records": 41 }))
    }),
    ("reports.generate", |_, input| {
        Ok(json!({ "file": format!("{}.{}", text(&input["rows"]), text(&input["format"])) }))
    }),
    ("reports.upload", |_, input| Ok(json!({ "url": format!("https://reports.example/{}", text(&input["as"])) }))),
    // A new user.
    ("accounts.create", |_, input| match text(&input["email"]) {
        "taken@example.com" => error("EmailTaken", "somebody has it"),
        email => Ok(json!({ "user": email })),
    }),
    ("accounts.send_link", |_, _| Ok(Value::Null)),
    ("accounts.settings", |_, _| Ok(Value::Null)),
    ("accounts.workspace", |_, input| match text(input) {
        "full@example.com" => error("QuotaExceeded", "no room for one more"),
        user => Ok(json!({ "workspace": format!("of {user}") })),
    }),
    ("accounts.storage", |_, _| Ok(Value::Null)),
    ("accounts.trial", |_, _| Ok(json!({ "until": "2026-12-31" }))),
    ("accounts.delete", |_, _| Ok(Value::Null)),
    ("accounts.close", |_, _| Ok(Value::Null)),
    ("accounts.mark_failed", |_, _| Ok(Value::Null)),
    // Images.
    ("images.pending", |_, input| match text(&input["batch"]) {
        "none" => Ok(json!({ "images": [] })),
        "impossible" => Ok(json!({ "images": ["impossible.png"] })),
        _ => Ok(json!({ "images": (0..25).map(|number| format!("{number}.png")).collect::<Vec<_>>() })),
    }),
    ("images.resize", |_, input| match text(&input["image"]) {
        image @ ("7.png" | "19.png") => error("NotAnImage", image),
        image => Ok(json!({ "resized": image })),
    }),
    ("images.optimize", |_, input| Ok(json!({ "optimized": input }))),
    ("images.store", |_, input| Ok(json!({ "url": format!("https://images.example/{}", text(input)) }))),
    ("images.delete", |_, _| Ok(Value::Null)),
    ("images.cover", |_, input| Ok(json!({ "of": input }))),
    ("images.summary", |_, input| {
        let results: Vec<&Value> =
            input["results"].as_object().into_iter().flatten().map(|(_, result)| result).collect();
        let failed = results.iter().filter(|result| !result["error"].is_null()).count();
        Ok(json!({ "total": results.len(), "failed": failed }))
    }),
    ("images.validate_prompt", |_, input| match text(input) {
        "" => Ok(json!({ "valid": false, "why": "it is empty" })),
        _ => Ok(json!({ "valid": true })),
    }),
    ("images.filter_content", |_, input| match text(input) {
        "something cruel" => Ok(json!({ "safe": false, "why": "it is cruel" })),
        _ => Ok(json!({ "safe": true })),
    }),
    ("images.generate_large", |_, input| Ok(json!({ "image": text(&input["quality"]), "seconds": 9 }))),
    ("images.note", |_, _| error("Down", "nobody notes anything today")),
    // Data.
    ("data.load", |attempt, input| match (attempt, text(&input["file"])) {
        (1, "slow.csv") => error("NotThereYet", "it is still being copied"),
        (_, file) => Ok(json!({ "dataset": file })),
    }),
    ("data.check", |_, input| match text(input) {
        "broken.csv" => Ok(json!({ "faults": ["line 3 has no end", "line 9 is empty"] })),
        _ => Ok(json!({ "faults": [] })),
    }),
    ("data.explore", |_, _| Ok(json!({ "summary": "two humps", "suggested_clusters": 2 }))),
    ("data.cluster", |_, input| Ok(json!({ "found": input["clusters"] }))),
    ("data.draw", |_, input| Ok(json!({ "pictures": if input["clusters"].is_null() { 1 } else { 2 } }))),
    ("data.save", |_, _| Ok(json!({ "analysis": "d-1" }))),
    // Learning.
    ("learning.level", |_, _| Ok(json!({ "level": "beginner" }))),
    ("learning.modules", |_, input| match text(&input["subject"]) {
        "alchemy" => Ok(json!({ "modules": [topic("history"), topic("gold")] })),
        _ => Ok(json!({ "modules": [topic("scales"), topic("chords"), topic("songs")] })),
    }),
    ("learning.resources", |_, input| match text(&input["topic"]) {
        "gold" => error("NothingFound", "nobody has written about it"),
        topic => Ok(json!({ "topic": topic, "links": vec!["link"; topic.len()] })),
    }),
    ("learning.schedule", |_, input| Ok(json!({ "days": input["modules"].as_array().map(|all| all.len() * 7) }))),
    ("learning.save", |_, _| Ok(json!({ "plan": "l-1" }))),
    // Tenants.
    ("tenants.backup", |_, input| Ok(json!({ "backup": format!("backup of {}", text(input)) }))),
    ("tenants.lock", |_, _| Ok(Value::Null)),
    ("tenants.migrate", |_, _| Ok(Value::Null)),
    ("tenants.check", |_, input| match text(input) {
        "unlucky" => error("RowsLost", "two rows are gone"),
        _ => Ok(json!({ "rows": 12 })),
    }),
    ("tenants.restore", |_, _| Ok(Value::Null)),
    // A transaction.
    ("resources.reserve", |_, input| match text(&input["fail_at"]) {
        "reserve" => error("NothingLeft", "all are taken"),
        _ => Ok(json!({ "resource": "m-1" })),
    }),
    ("resources.process", |_, input| match text(&input["fail_at"]) {
        "process" => error("Jammed", "it does not go through"),
        _ => Ok(Value::Null),
    }),
    ("resources.commit", |_, input| match text(&input["fail_at"]) {
        "commit" => error("Conflict", "somebody else was faster"),
        _ => Ok(json!({ "committed": true })),
    }),
    ("resources.release", |_, _| Ok(Value::Null)),
    ("resources.roll_back", |_, _| Ok(Value::Null)),
    ("resources.undo_commit", |_, _| Ok(Value::Null)),
    // Tickets.
    ("tickets.mood", |_, input| match text(&input["ticket"]) {
        "numb" => Err(ActivityError::new("NoMood", "it shows none").not_retryable()),
        _ => Ok(json!({ "mood": "cross" })),
    }),
    ("tickets.reply", |_, input| Ok(json!({ "answer": format!("all about {}", text(&input["topic"])) }))),
    ("tickets.close", |_, _| Ok(Value::Null)),
    // For definitions that a test brings along.
    ("stub.give", |_, input| Ok(input.clone())),
    ("stub.fail", |_, input| error(text(input), "as it was told to")),
];

/// A worker with all of them.
pub(crate) fn serve(mut worker: Worker) -> Worker {
    for &(name, answer) in TABLE {
        worker = worker.activity(name, move |context: ActivityContext, input: Value| async move {
            note(&context, &input);
            answer(context.attempt(), &input)
        });
    }
    worker
        .activity("images.generate_small", generate_small)
        .activity("stub.hold", hold)
        .activity("tenants.drain", drain)
        .activity("images.plan", plan_images)
        .activity("images.report", report)
        .activity("tickets.analyze", analyze)
}

/// Never comes to its end by itself for one prompt: it waits until nobody wants the image any more.
async fn generate_small(context: ActivityContext, input: Value) -> Answer {
    note(&context, &input);
    match text(&input["prompt"]) {
        "an endless road" => until_cancelled(&context).await,
        "a famous face" => error("PolicyViolation", "no famous faces"),
        prompt => Ok(json!({ "image": prompt.replace(' ', "-"), "seconds": 3 })),
    }
}

/// A ticket is named after what it is about; one has no end.
async fn analyze(context: ActivityContext, input: Value) -> Answer {
    note(&context, &input);
    match (text(&input["ticket"]), context.attempt()) {
        ("unreadable", _) => error("Unreadable", "it is not written in any language"),
        ("tangled", 1) => error("Busy", "it takes another look"),
        ("endless", _) => until_cancelled(&context).await,
        (ticket, _) => Ok(json!({ "topic": ticket })),
    }
}

/// Sessions are open twice.
async fn drain(context: ActivityContext, input: Value) -> Result<Outcome<Value>, ActivityError> {
    note(&context, &input);
    match context.attempt() {
        1 | 2 => Ok(Outcome::snooze(Duration::from_millis(100), "somebody works there")),
        _ => Ok(Outcome::Output(Value::Null)),
    }
}

/// A step for each image, and one that comes after the first two of them.
async fn plan_images(context: ActivityContext, input: Value) -> Result<Outcome<()>, ActivityError> {
    note(&context, &input);
    let images: Vec<&str> = input["images"].as_array().into_iter().flatten().map(text).collect();
    if images.contains(&"impossible.png") {
        return Ok(Outcome::expand([NewStep::new("cover", "images.cover").after(["nobody"])]));
    }
    let process = |(place, image): (usize, &&str)| {
        let input = json!({ "image": image, "width": 800, "height": 600 });
        NewStep::new(format!("process_{place}"), "images.resize").input(input).retry(2).on_error(OnError::Continue)
    };
    let mut steps: Vec<NewStep> = images.iter().enumerate().map(process).collect();
    if images.len() > 1 {
        let first_two = json!(["${ steps.process_0.output.resized }", "${ ctx.process_1.resized }"]);
        steps.push(NewStep::new("cover", "images.cover").input(first_two).after(["process_0", "process_1"]));
    }
    Ok(Outcome::expand(steps))
}

/// One batch never has a report.
async fn report(context: ActivityContext, input: Value) -> Answer {
    note(&context, &input);
    match text(&input["batch"]) {
        "unreported" => until_cancelled(&context).await,
        _ => Ok(Value::Null),
    }
}

/// Goes on until nobody waits for it.
async fn hold(context: ActivityContext, input: Value) -> Answer {
    note(&context, &input);
    until_cancelled(&context).await
}

async fn until_cancelled(context: &ActivityContext) -> Answer {
    context.cancellation().cancelled().await;
    note(context, &json!("cancelled"));
    error("Cancelled", "nobody waits for it")
}

fn topic(name: &str) -> Value {
    json!({ "topic": name, "difficulty": 1 })
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn error(kind: &str, message: &str) -> Answer {
    Err(ActivityError::new(kind, message))
}
