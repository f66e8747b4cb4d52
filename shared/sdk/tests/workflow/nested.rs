//! Modules inside of a module that is a workflow: steps inside of steps, and what is done instead.

use std::io;

use sagaline_sdk::{
    worker::{ActivityContext, ActivityError},
    workflow,
    workflow::{Each, Steps, Undo, Workflow, activity, attempt, race, raise, signal, steps, switch, wait},
};
use serde_json::{Value, json};

use crate::assert_same;

const BOXES: u32 = 3;

#[workflow(name = "nest", on_failure(failed, on_error = continue), on_cancel = tell)]
mod nest {
    use super::*;

    #[step]
    async fn prepare(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
        Ok(())
    }

    #[steps(after = prepare, group = work, on_error = continue, when = "${ ctx.ready }")]
    mod deliver {
        use super::*;

        /// What only this module knows.
        #[derive(serde::Deserialize)]
        struct Parcel {
            #[expect(dead_code, reason = "it is read by nobody")]
            id: String,
        }

        const BOXES: u32 = 5;

        #[step(input = { boxes: json!(BOXES) })]
        async fn pack(_: ActivityContext, _: Parcel) -> Result<(), io::Error> {
            Ok(())
        }

        #[step(after = pack, compensate = call_back)]
        async fn send(_: ActivityContext) -> Result<(), ActivityError> {
            Ok(())
        }

        /// Undone by a function of the module around this one.
        #[step(after = send, compensate(release, allow_skip))]
        async fn label(_: ActivityContext) -> Result<(), ActivityError> {
            Ok(())
        }

        async fn call_back(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
            Ok(())
        }

        #[race(after = label)]
        mod quote {
            #[wait("10m")]
            fn patience();

            #[steps]
            mod north {
                use super::super::*;

                #[step]
                async fn ask(_: ActivityContext) -> Result<(), ActivityError> {
                    Ok(())
                }
            }
        }
    }

    async fn release(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
        Ok(())
    }

    #[for_each("${ workflow.input.albums }", as = album, concurrency = 5, on_item_error = skip, after_group = work)]
    mod galleries {
        use super::*;

        #[step(input = { title: "${ album.title }", boxes: json!(BOXES) })]
        async fn fetch(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
            Ok(())
        }

        #[activity("store.put", after = fetch)]
        fn store();
    }

    #[switch(after = galleries)]
    mod route {
        #[case("${ ctx.left > 10 }")]
        mod plenty {
            #[set({ packed: true })]
            fn all();
        }

        #[case("${ ctx.left > 0 }")]
        mod some {
            #[set({ packed: "in part" })]
            fn part();

            #[emit("stock.low", after = part)]
            fn order();
        }

        #[otherwise]
        mod nothing {
            #[raise("SoldOut", message = "there is nothing left")]
            fn decline();
        }
    }

    #[attempt(after = route, catch(mend, errors = ["CardDeclined", "Timeout"]), context_key = paid)]
    mod pay {
        use super::*;

        #[step(retry = 3)]
        async fn charge(_: ActivityContext) -> Result<(), ActivityError> {
            Ok(())
        }
    }

    mod mend {
        use super::*;

        #[step(input = { why: "${ error.type }" })]
        async fn apologize(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
            Ok(())
        }
    }

    #[attempt(after = pay, catch = give_up)]
    mod survey {
        #[child("survey")]
        fn ask_them();
    }

    mod give_up {
        #[wait("1s")]
        fn sigh();
    }

    #[signal("decided", after = survey, timeout = "24h", on_timeout = late)]
    fn decide();

    mod late {
        #[wait("1h")]
        fn once_more();

        #[raise("Late", after = once_more)]
        fn too_late();
    }

    mod failed {
        use super::*;

        #[step]
        async fn page(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
            Ok(())
        }

        #[activity("log.note", after = page)]
        fn note();
    }

    async fn tell(_: ActivityContext, _: Value) -> Result<(), ActivityError> {
        Ok(())
    }

    /// None of the workflow's: nobody names it.
    pub(crate) mod helpers {
        pub(crate) fn seven() -> u32 {
            7
        }
    }
}

const YAML: &str = r#"
workflow: nest
on_failure:
  on_error: continue
  steps:
    page: { activity: nest.page, input: "${ ctx }" }
    note: { activity: log.note, after: page }
on_cancel: { activity: nest.tell }
steps:
  prepare: { activity: nest.prepare, input: "${ ctx }" }
  decide:
    after: survey
    await:
      signal: decided
      timeout: 24h
      on_timeout:
        steps:
          once_more: { wait: 1h }
          too_late: { after: once_more, raise: Late }
  deliver:
    after: prepare
    group: work
    on_error: continue
    when: "${ ctx.ready }"
    steps:
      pack: { activity: nest.pack, input: { boxes: 5 } }
      send: { after: pack, activity: nest.send, compensate: nest.call_back }
      label: { after: send, activity: nest.label, compensate: { activity: nest.release, allow_skip: true } }
      quote:
        after: label
        race:
          patience: { wait: 10m }
          north: { steps: { ask: { activity: nest.ask } } }
  galleries:
    after_group: work
    for_each: { items: "${ workflow.input.albums }", as: album, concurrency: 5, on_item_error: skip }
    steps:
      fetch: { activity: nest.fetch, input: { title: "${ album.title }", boxes: 3 } }
      store: { after: fetch, activity: store.put }
  route:
    after: galleries
    switch:
      - { when: "${ ctx.left > 10 }", steps: { all: { set: { packed: true } } } }
      - when: "${ ctx.left > 0 }"
        steps:
          part: { set: { packed: "in part" } }
          order: { after: part, emit: stock.low }
      - { steps: { decline: { raise: { type: SoldOut, message: "there is nothing left" } } } }
  pay:
    after: route
    context_key: paid
    try: { charge: { activity: nest.charge, retry: 3 } }
    catch: { errors: [CardDeclined, Timeout], steps: { apologize: { activity: nest.apologize, input: { why: "${ error.type }" } } } }
  survey:
    after: pay
    try: { ask_them: { child: survey } }
    catch: { steps: { sigh: { wait: 1s } } }
"#;

fn built() -> Workflow {
    let quote = race([("patience", wait("10m")), ("north", steps([("ask", activity("nest.ask"))]))]);
    let deliver = Steps::new()
        .step("pack", activity("nest.pack").input(json!({ "boxes": 5 })))
        .step("send", activity("nest.send").after("pack").compensate("nest.call_back"))
        .step("label", activity("nest.label").after("send").compensate(Undo::by("nest.release").allow_skip()))
        .step("quote", quote.after("label"));
    let galleries = Steps::new()
        .step("fetch", activity("nest.fetch").input(json!({ "title": "${ album.title }", "boxes": 3 })))
        .step("store", activity("store.put").after("fetch"));
    let some = Steps::new()
        .step("part", workflow::set("packed", "in part"))
        .step("order", workflow::emit("stock.low").after("part"));
    let late = Steps::new().step("once_more", wait("1h")).step("too_late", raise("Late").after("once_more"));
    let each = Each::of("${ workflow.input.albums }").named("album").concurrency(5).on_item_error("skip");
    let page = activity("nest.page").input("${ ctx }");
    let failed = Steps::new().step("page", page).step("note", activity("log.note").after("page"));
    Workflow::new("nest")
        .on_failure(steps(failed).with("on_error", "continue"))
        .on_cancel(activity("nest.tell"))
        .step("prepare", activity("nest.prepare").input("${ ctx }"))
        .step("decide", signal("decided").after("survey").timeout("24h").on_timeout(late))
        .step(
            "deliver",
            steps(deliver).after("prepare").group("work").with("on_error", "continue").when("${ ctx.ready }"),
        )
        .step("galleries", steps(galleries).for_each(each).after_group("work"))
        .step(
            "route",
            switch()
                .case("${ ctx.left > 10 }", [("all", workflow::set("packed", true))])
                .case("${ ctx.left > 0 }", some)
                .otherwise([("decline", raise("SoldOut").message("there is nothing left"))])
                .after("galleries"),
        )
        .step(
            "pay",
            attempt([("charge", activity("nest.charge").retry(3))])
                .catch_only(
                    ["CardDeclined", "Timeout"],
                    [("apologize", activity("nest.apologize").input(json!({ "why": "${ error.type }" })))],
                )
                .after("route")
                .context_key("paid"),
        )
        .step("survey", attempt([("ask_them", workflow::child("survey"))]).catch([("sigh", wait("1s"))]).after("pay"))
}

#[test]
fn modules_in_a_module_the_builder_and_a_file_are_one_plan() {
    assert_same((nest::definition(), YAML));
    assert_same((built(), YAML));
    let hash = |workflow: Workflow| workflow.build().expect("it can be built").plan().hash();
    assert_eq!(hash(nest::definition()), hash(built()));
    assert_eq!(nest::helpers::seven(), 7);
}
