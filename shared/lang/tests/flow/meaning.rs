//! What each form means.

use crate::{definition, means, step_means};

#[test]
fn a_workflow_as_it_is_written_elsewhere() {
    means(
        r#"
        // An order, from validation to its mail.
        workflow order_fulfillment {
            trigger event "order.created"

            timeout "24h"

            steps {
                validate_order {
                    activity "order.validate"
                    input {
                        order_id: "trigger.data.order_id"
                    }
                }
                charge {
                    activity "payment.charge"
                    input {
                        order_id: "steps.validate_order.output.id",
                        kind: "card"
                    }
                    if "steps.validate_order.output.total > 0"
                }
                parallel {
                    reserve { activity "stock.reserve" }
                    notify { activity "warehouse.notify" }
                }
                mail { activity "mail.send" }
            }

            retry {
                max_attempts 3
                initial_interval "1s"
                backoff_multiplier 2.0
            }
        }
        "#,
        r#"
workflow: order_fulfillment
on: [{ event: order.created }]
timeout: 24h
retry: { attempts: 3, initial: 1s, multiplier: 2.0 }
steps:
  validate_order: { activity: order.validate, input: { order_id: "${ trigger.data.order_id }" } }
  charge:
    after: validate_order
    activity: payment.charge
    input: { order_id: "${ steps.validate_order.output.id }", kind: card }
    when: steps.validate_order.output.total > 0
  reserve: { after: charge, activity: stock.reserve }
  notify: { after: charge, activity: warehouse.notify }
  mail: { after: [reserve, notify], activity: mail.send }
"#,
    );
}

#[test]
fn a_job_is_a_workflow_of_one_step() {
    means(
        r#"job cleanup_sessions {
            schedule "0 * * * *"
            task "sessions.cleanup"
            queue "low_priority"
            retry { max_attempts 3 initial_interval "10s" backoff_multiplier 1.5 }
        }"#,
        r#"
workflow: cleanup_sessions
on: [{ cron: "0 * * * *" }]
retry: { attempts: 3, initial: 10s, multiplier: 1.5 }
steps: { cleanup_sessions: { activity: sessions.cleanup, queue: low } }
"#,
    );
    means("job j { task t }", "workflow: j\nsteps: { j: { activity: t } }");
}

#[test]
fn a_time_zone_at_the_top_is_that_of_every_cron_expression_without_one() {
    means(
        r#"workflow report {
            trigger schedule "0 6 * * *"
            trigger schedule "0 18 * * *" { timezone UTC }
            trigger { every 5m }
            timezone "Europe/Berlin"
            steps { a { activity x } }
        }"#,
        r#"
workflow: report
on: [{ cron: "0 6 * * *", timezone: Europe/Berlin }, { cron: "0 18 * * *", timezone: UTC }, { every: 5m }]
steps: { a: { activity: x } }
"#,
    );
}

#[test]
fn all_may_stand_on_one_line_with_or_without_commas_and_colons() {
    let yaml = "workflow: w\non: [manual]\ntimeout: 2h\nsteps: { a: { activity: echo, input: { x: 1, y: [1, two, null, true] } } }";
    means(
        r#"workflow w { trigger manual timeout 2h steps { a { activity echo input { x: 1 y: [1 "two" null true] } } } }"#,
        yaml,
    );
    means(
        r#"workflow w { trigger: manual, timeout: "2h", steps: { "a": { activity: "echo", input: { "x": 1, "y": [1, "two", null, true,], }, }, }, }"#,
        yaml,
    );
    means(
        "workflow w\n{\n\ttrigger manual\n\ttimeout 2h\n\tsteps\n\t{\n\t\ta\n\t\t{\n\t\t\tactivity echo\n\t\t\tinput\n\t\t\t{\n\t\t\t\tx 1\n\t\t\t\ty [\n1\n'two'\nnull\ntrue ]\n\t\t\t}\n\t\t}\n\t}\n}",
        yaml,
    );
}

#[test]
fn a_text_that_is_a_path_is_a_reference_and_others_are_texts() {
    step_means(
        r#"activity echo input {
            order: "workflow.input.order"
            customer: "trigger.customer.id"
            kept: "trigger.data.customer"
            kind: "trigger.type"
            place: "workflow.input.lines[0][2].sku"
            literal: 'workflow.input.order'
            text: "workflow."
            sentence: "workflow.input is read"
            mixed: "order ${ workflow.input.order }"
            whole: "${ trigger.extension }"
            mail: "a@example.com"
        }"#,
        r#"
    activity: echo
    input:
      order: "${ workflow.input.order }"
      customer: "${ trigger.data.customer.id }"
      kept: "${ trigger.data.customer }"
      kind: "${ trigger.type }"
      place: "${ workflow.input.lines[0][2].sku }"
      literal: workflow.input.order
      text: workflow.
      sentence: workflow.input is read
      mixed: "order ${ workflow.input.order }"
      whole: "${ trigger.extension }"
      mail: a@example.com"#,
    );
}

#[test]
fn a_bare_name_is_what_a_step_gave() {
    means(
        r#"workflow w { steps {
            my-step { activity one, as: first }
            two { activity two }
            three { activity three, input {
                whole: two
                field: two.id
                status: two.status
                hyphen: my-step.id
                named: first.id
                other: somebody_put_it_there
                sum: two.count + first.count * 2
                list: [two.id, 5, "two.id", two.items.map(one, one.id)]
                old: "steps.two.id"
                exact: "steps.two.output.id"
                state: "steps.two.status"
                dashed: "steps.my-step.id"
                patience: 30s
            } }
        } }"#,
        r#"
workflow: w
steps:
  my-step: { activity: one, context_key: first }
  two: { after: my-step, activity: two }
  three:
    after: two
    activity: three
    input:
      whole: "${ steps.two.output }"
      field: "${ steps.two.output.id }"
      status: "${ steps.two.output.status }"
      hyphen: "${ steps[\"my-step\"].output.id }"
      named: "${ ctx.first.id }"
      other: "${ ctx.somebody_put_it_there }"
      sum: "${ steps.two.output.count + ctx.first.count * 2 }"
      list: ["${ steps.two.output.id }", 5, two.id, "${ steps.two.output.items.map(one, one.id) }"]
      old: "${ steps.two.output.id }"
      exact: "${ steps.two.output.id }"
      state: "${ steps.two.status }"
      dashed: "${ steps[\"my-step\"].output.id }"
      patience: 30s
"#,
    );
}

#[test]
fn a_condition_may_be_bare_or_in_quotes() {
    let yaml = |when: &str| {
        format!(
            "workflow: w\non: [{{ event: e }}]\nsteps:\n  a: {{ activity: one }}\n  b: {{ after: a, when: \"{when}\", activity: two }}\n"
        )
    };
    let flow = |when: &str| {
        format!("workflow w {{\ntrigger: e\nsteps {{ a {{ activity one }}\nb {{ {when}\nactivity two }} }} }}")
    };
    means(&flow("if \"steps.a.output.total >= 10\""), &yaml("steps.a.output.total >= 10"));
    means(&flow("if a.total >= trigger.total"), &yaml("steps.a.output.total >= trigger.data.total"));
    means(&flow("when: \"${ trigger.shop == 'x' }\""), &yaml("trigger.shop == 'x'"));
    means(
        &flow("when trigger.shop == 'a.b' && size(a.items) > 0"),
        &yaml("trigger.data.shop == 'a.b' && size(steps.a.output.items) > 0"),
    );
    means(&flow("if trigger.shop in ['x', 'y']"), &yaml("trigger.data.shop in ['x', 'y']"));
    means(&flow("if true"), &yaml("true"));
}

#[test]
fn steps_follow_one_another_unless_they_say_otherwise() {
    means(
        "workflow w { steps {
            a { activity x }
            b { activity x }
            c { activity x after a }
            d { activity x after [] }
            parallel {
                e { activity x }
                parallel { f { activity x } g { activity x } }
                h { activity x after [a] }
            }
            i { activity x }
            j { race { k { wait 1s } l { wait 2s } } }
            m { after_any [i, j] steps { n { activity x } o { activity x } } }
        } }",
        "workflow: w
steps:
  a: { activity: x }
  b: { activity: x, after: a }
  c: { activity: x, after: a }
  d: { activity: x }
  e: { activity: x, after: d }
  f: { activity: x, after: d }
  g: { activity: x, after: d }
  h: { activity: x, after: a }
  i: { activity: x, after: [e, f, g, h] }
  j: { after: i, race: { k: { wait: 1s }, l: { wait: 2s } } }
  m: { after_any: [i, j], steps: { n: { activity: x }, o: { after: n, activity: x } } }
",
    );
}

#[test]
fn what_starts_it_is_said_in_several_ways() {
    means(
        r#"workflow w {
            trigger event "order.created" { when: trigger.total > 0, input { id: trigger.id } }
            trigger event ["a.b", "c.*"]
            trigger schedule "0 6 * * *" { timezone "Europe/Berlin" input { text: "trigger.x" } }
            trigger schedule ["0 6 * * *", "0 7 * * *"]
            trigger: OrderPlaced
            trigger manual
            trigger { every 5m jitter 10s }
            on [{ event "x", signal "s", execution: "trigger.order" }, manual]
            steps { s { await s } }
        }"#,
        r#"
workflow: w
on:
  - { event: order.created, when: trigger.data.total > 0, input: { id: "${ trigger.id }" } }
  - { event: [a.b, c.*] }
  - { cron: "0 6 * * *", timezone: Europe/Berlin, input: { text: trigger.x } }
  - { cron: ["0 6 * * *", "0 7 * * *"] }
  - { event: OrderPlaced }
  - manual
  - { every: 5m, jitter: 10s }
  - { event: x, signal: s, execution: "${ trigger.data.order }" }
  - manual
steps: { s: { await: s } }
"#,
    );
}

#[test]
fn so_many_times_means_again() {
    step_means("activity x, retry: 3 times", "{ activity: x, retry: 4 }");
    step_means(
        "activity x retry 3 times with exponential_backoff",
        "{ activity: x, retry: { attempts: 4, backoff: exponential } }",
    );
    step_means(
        "activity x retry 1 times with linear_backoff timeout 5s",
        "{ activity: x, retry: { attempts: 2, backoff: linear }, timeout: 5s }",
    );
    step_means("activity x retry 3", "{ activity: x, retry: 3 }");
    step_means("activity x retry { max_attempts 3 max: 1m }", "{ activity: x, retry: { attempts: 3, max: 1m } }");
}

#[test]
fn calls_and_sentences_are_activities() {
    step_means(
        "call: payments.charge { amount: trigger.total }",
        r#"{ activity: payments.charge, input: { amount: "${ trigger.data.total }" } }"#,
    );
    step_means("call payments.charge", "{ activity: payments.charge }");
    step_means(
        "query: select Product where quantity < 10\nas: low",
        "{ activity: query, input: select Product where quantity < 10, context_key: low }",
    );
    step_means("select Product where quantity < 10\n", "{ activity: select, input: Product where quantity < 10 }");
    step_means("update(order.status = \"paid\")", r#"{ activity: update, input: "order.status = \"paid\"" }"#);
    step_means(
        "template: \"report\"\ndata: { low: workflow.input.low }\nformat: pdf",
        r#"{ activity: template, input: { template: report, data: { low: "${ workflow.input.low }" }, format: pdf } }"#,
    );
    step_means(
        "send: email(trigger.order.email) { template: \"shipped\", data: { id: trigger.order.id } }",
        r#"{ activity: send, input: { via: email, to: "${ trigger.data.order.email }", template: shipped, data: { id: "${ trigger.data.order.id }" } } }"#,
    );
    step_means("emit OrderPaid", "{ emit: OrderPaid }");
    step_means("emit(OrderPaid)", "{ emit: OrderPaid }");
}

#[test]
fn a_check_fails_its_step() {
    step_means(
        "for_each: trigger.order.items\ncheck: item.quantity <= item.stock\nas: checked",
        r#"
    for_each: "${ trigger.data.order.items }"
    context_key: checked
    steps:
      a_check:
        when: "!(item.quantity <= item.stock)"
        raise: { type: CheckFailed, message: "the check does not hold: item.quantity <= item.stock" }"#,
    );
}

#[test]
fn what_is_done_when_it_fails_or_completes() {
    means(
        "workflow w {
            steps {
                a { activity x on_fail: cancel_order(\"no stock\") }
                b { activity x on_fail: rollback }
            }
            on_complete: update(trigger.order.status = \"done\")
            on_fail: emit(OrderFailed)
        }",
        r#"
workflow: w
steps: { a: { activity: x }, b: { after: a, activity: x } }
on_success: { activity: update, input: "trigger.order.status = \"done\"" }
on_failure:
  steps:
    a_on_fail: { when: "steps[\"a\"].status == \"failed\"", activity: cancel_order, input: no stock }
    workflow_on_fail: { emit: { type: OrderFailed, data: "${ outcome }" } }
"#,
    );
    means(
        "workflow w { steps { a { activity x } } on_fail: page_somebody }",
        "workflow: w\nsteps: { a: { activity: x } }\non_failure: { activity: page_somebody }",
    );
    means(
        "workflow w { steps { a { activity x } } on_fail { activity page input { step: outcome.step, n: [1] } } on_complete: tell(\"ops\", steps.a.output.id) }",
        r#"
workflow: w
steps: { a: { activity: x } }
on_failure: { activity: page, input: { step: "${ outcome.step }", n: [1] } }
on_success: { activity: tell, input: [ops, "${ steps.a.output.id }"] }
"#,
    );
}

#[test]
fn texts_have_escapes_or_several_lines() {
    step_means(
        "activity echo input {\n  a: \"q \\\" \\\\ \\n \\t \\u00e9 \\/\"\n  b: 'it''s \\n'\n  c: \"\"\"\n    one\n      two\n\n    three\n    \"\"\"\n  d: \"\"\"\n    one\"\"\"\n}",
        "\n    activity: echo\n    input:\n      a: \"q \\\" \\\\ \\n \\t \\u00e9 /\"\n      b: 'it''s \\n'\n      c: \"one\\n  two\\n\\nthree\\n\"\n      d: one",
    );
}

#[test]
fn a_description_is_metadata() {
    means(
        "workflow w { description: \"for people\" metadata { owner: data-team } steps { a { activity x } } }",
        "workflow: w\nmetadata: { owner: data-team, description: for people }\nsteps: { a: { activity: x } }",
    );
}

#[test]
fn everything_else_is_in_the_words_of_yaml() {
    means(
        r#"workflow all {
            version_note "the first"
            input_schema { type: object, required: [id], properties { id { type: string } } }
            tags [orders, "team=blue"]
            step_concurrency 10
            step_timeout: workflow.input.patience
            deadline "2026-11-20T06:00:00Z"
            concurrency { limit 1 key: "workflow.input.tenant" on_limit skip }
            unique { key "import-${ workflow.input.customer }" for 1h until success }
            dead_letter { ttl 7d }
            signals { paid { schema { type: object } } }
            queries { progress { rows: ctx.rows } }
            updates { more { when: update.by <= 100, set { limit: update.by } } }
            retry_workflow { attempts 2 initial 10m }
            steps {
                charge {
                    activity payments.charge
                    queue payments
                    for_each { items: workflow.input.cards, as card, concurrency 5, on_item_error skip }
                    input { card: card.number }
                    retry { attempts 5 no_retry_on [CardDeclined] }
                    rate_limit { limit 10 per 1s key: workflow.input.tenant }
                    breaker { name crm threshold 5 }
                    compensate { activity payments.refund input { id: output.id } allow_skip true }
                    on_error continue
                }
                decide {
                    switch [
                        { when: charge.left > 10, steps { pack { activity echo } } }
                        { steps { no { raise { type SoldOut message "nothing" } } } }
                    ]
                }
                pay {
                    try { book { activity book } }
                    catch { errors [Timeout], steps { sorry { activity mail input: error.type } } }
                }
                review { await { approval { approvers [ann, workflow.input.boss] notify { activity mail } } timeout 2d } }
                paid { await { event payment.received match { id: workflow.input.id } when: trigger.amount > 0, on_timeout skip } }
                ship { child { workflow ship_parcel input: ctx id: "ship-${ workflow.input.id }" wait false } }
                note { set { total: charge.sum } }
                tell { emit { type order.paid subject: workflow.input.id data { n: 1 } } }
                pause { wait: workflow.input.patience }
                poll { activity ask expand true timeout: workflow.input.patience retry { attempts 3 backoff: attempt * 5 } }
            }
            output { id: charge.id }
            on_cancel { activity note }
            on_step_error { activity note if: error.type != "Busy" }
        }"#,
        r#"
workflow: all
version_note: the first
input_schema: { type: object, required: [id], properties: { id: { type: string } } }
tags: [orders, team=blue]
step_concurrency: 10
step_timeout: "${ workflow.input.patience }"
deadline: "2026-11-20T06:00:00Z"
concurrency: { limit: 1, key: "${ workflow.input.tenant }", on_limit: skip }
unique: { key: "import-${ workflow.input.customer }", for: 1h, until: success }
dead_letter: { ttl: 7d }
signals: { paid: { schema: { type: object } } }
queries: { progress: { rows: "${ ctx.rows }" } }
updates: { more: { when: update.by <= 100, set: { limit: "${ update.by }" } } }
retry_workflow: { attempts: 2, initial: 10m }
steps:
  charge:
    activity: payments.charge
    queue: payments
    for_each: { items: "${ workflow.input.cards }", as: card, concurrency: 5, on_item_error: skip }
    input: { card: "${ card.number }" }
    retry: { attempts: 5, no_retry_on: [CardDeclined] }
    rate_limit: { limit: 10, per: 1s, key: "${ workflow.input.tenant }" }
    breaker: { name: crm, threshold: 5 }
    compensate: { activity: payments.refund, input: { id: "${ output.id }" }, allow_skip: true }
    on_error: continue
  decide:
    after: charge
    switch:
      - { when: steps.charge.output.left > 10, steps: { pack: { activity: echo } } }
      - { steps: { no: { raise: { type: SoldOut, message: nothing } } } }
  pay:
    after: decide
    try: { book: { activity: book } }
    catch: { errors: [Timeout], steps: { sorry: { activity: mail, input: "${ error.type }" } } }
  review:
    after: pay
    await: { approval: { approvers: [ann, "${ workflow.input.boss }"], notify: { activity: mail } }, timeout: 2d }
  paid:
    after: review
    await: { event: payment.received, match: { id: "${ workflow.input.id }" }, when: trigger.data.amount > 0, on_timeout: skip }
  ship: { after: paid, child: { workflow: ship_parcel, input: "${ ctx }", id: "ship-${ workflow.input.id }", wait: false } }
  note: { after: ship, set: { total: "${ steps.charge.output.sum }" } }
  tell: { after: note, emit: { type: order.paid, subject: "${ workflow.input.id }", data: { n: 1 } } }
  pause: { after: tell, wait: "${ workflow.input.patience }" }
  poll: { after: pause, activity: ask, expand: true, timeout: "${ workflow.input.patience }", retry: { attempts: 3, backoff: "${ attempt * 5 }" } }
output: { id: "${ steps.charge.output.id }" }
on_cancel: { activity: note }
on_step_error: { activity: note, when: error.type != "Busy" }
"#,
    );
}

#[test]
fn warnings_are_those_of_yaml() {
    let warnings =
        definition("workflow w {\n steps { a { activity x after [b, b] }\n b { activity x after [] } } }").warnings;
    assert_eq!(warnings.len(), 1);
    assert_eq!((warnings[0].line, warnings[0].column), (2, 35));
}

#[test]
fn a_number_may_have_a_sign() {
    step_means("activity x input { a: +5, b: -5, d: +0.5 }", r#"{ activity: x, input: { a: 5, b: -5, d: 0.5 } }"#);
}

#[test]
fn a_number_with_a_sign_behind_something_is_added() {
    step_means(
        "activity x input { a: ctx.n -5, b: (1 +2) -3, c: 2 -5 // left\n d: [1 -5] } if ctx.n +1 > 2",
        r#"{ activity: x, input: { a: "${ ctx.n -5 }", b: "${ (1 +2) -3 }", c: "${ 2 -5 }", d: [1, -5] }, when: "${ ctx.n +1 > 2 }" }"#,
    );
    let faults = sagaline_lang::read("workflow w { steps { a { activity x after b -5 } } }", "w.flow")
        .expect_err("a name is one");
    assert_eq!(faults.0.len(), 1, "{faults}");
    assert!(
        faults.to_string().contains("`after` has one value, and this is more\n  hint: put it in quotes"),
        "{faults}"
    );
}
