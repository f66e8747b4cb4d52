//! Plans written back as people would write them.

use sagaline_lang::{Surroundings, documents, read, read_all_within, to_yaml, yaml};
use sagaline_model::{ActivityName, Kind, Name, Node, Plan};

fn plan(text: &str) -> Plan {
    read(text, "w.yaml").unwrap_or_else(|faults| panic!("{}", faults.render(text))).plan
}

#[track_caller]
fn is_written(text: &str, expected: &str) {
    let plan = plan(text);
    let written = to_yaml(&plan).expect("it can be written");
    assert_eq!(written, expected);
    assert_eq!(self::plan(&written).hash(), plan.hash());
}

#[test]
fn what_is_usual_is_left_out() {
    is_written(
        "workflow: w\ntags: orders\ntimeout: 60s\nconcurrency: { limit: 5, on_limit: queue }\ndead_letter: { ttl: 30d }\nsteps:\n  a:\n    activity: noop\n    queue: default\n    retry: { attempts: 1, initial: 1s, backoff: exponential, multiplier: 2, jitter: false }\n    on_error: fail\n    after: []\n  b: { after: [a], await: { signal: ok, on_timeout: fail } }\n  c: { for_each: { items: [1], as: item, concurrency: 100 }, child: { workflow: x, wait: true } }\n",
        "workflow: w\ntags: [orders]\ntimeout: 1m\ndead_letter: true\nconcurrency: 5\nsteps:\n  a:\n    activity: noop\n  b:\n    after: a\n    await: ok\n  c:\n    for_each: [1]\n    child: x\n",
    );
}

#[test]
fn what_most_steps_have_is_said_once() {
    is_written(
        "workflow: w\nsteps:\n  a: { activity: x, timeout: 5m, retry: { attempts: 3, max: 1m } }\n  b: { activity: p, timeout: 5m, retry: { attempts: 3, max: 1m } }\n  c: { activity: z, timeout: 1h, retry: { attempts: 7, max: 1m } }\n",
        "workflow: w\nstep_timeout: 5m\nretry:\n  attempts: 3\n  max: 1m\nsteps:\n  a:\n    activity: x\n  b:\n    activity: p\n  c:\n    activity: z\n    timeout: 1h\n    retry: 7\n",
    );
}

#[test]
fn what_only_the_top_of_a_file_may_read_stays_there() {
    let backoff = "\"${ steps.a.output.pause }\"";
    is_written(
        &format!(
            "workflow: w\nretry: {{ attempts: 2, backoff: {backoff} }}\nsteps:\n  a: {{ activity: x }}\n  b: {{ activity: p, retry: {{ backoff: fixed }} }}\n"
        ),
        &format!(
            "workflow: w\nretry:\n  backoff: {backoff}\nsteps:\n  a:\n    activity: x\n    retry: 2\n  b:\n    activity: p\n    retry:\n      attempts: 2\n      backoff: fixed\n"
        ),
    );
}

#[test]
fn steps_that_others_return_keep_what_the_workflow_says() {
    is_written(
        "workflow: w\nretry: 4\nstep_timeout: 1m\nsteps:\n  a: { activity: x, expand: true, retry: 1 }\n",
        "workflow: w\nstep_timeout: 1m\nretry: 4\nsteps:\n  a:\n    activity: x\n    retry: 1\n    expand: true\n",
    );
}

#[test]
fn texts_that_mean_something_else_are_quoted() {
    let text = "plain: two words\nempty: \"\"\nnumber: \"12\"\nno: \"no\"\ncolon: \"a: b\"\nquotes: '\"it''s\": so'\ncontrol: \"\\x00\\t\\u2028\"\nlist: [a, \"b, c\", \"d:e\", 1.5, null]\n\"true\": {}\nlines: |\n  one\n\n    two\nno_break: |-\n  one\n  two\ntrail: \"one \\ntwo\"\nnested:\n  - - - a\n      - b: 1\n        c: []\n";
    let documents = documents(text, "x.yaml").expect("a document");
    assert_eq!(yaml(&documents), text);
}

#[test]
fn several_documents_stand_in_one_file() {
    let text = "workflow: a\nsteps:\n  x:\n    wait: 1s\n---\nworkflow: b\nsteps:\n  y:\n    wait: 2s\n";
    assert_eq!(yaml(&documents(text, "x.yaml").expect("two")), text);
}

#[test]
fn a_plan_that_nobody_can_have_written_is_refused_with_the_reason() {
    let mut plan = plan("workflow: w\nsteps:\n  a: { activity: x }\n");
    let twice = plan.root.nodes[0].clone();
    plan.root.nodes.push(twice);
    let error = to_yaml(&plan).expect_err("two steps of one name").to_string();
    assert_eq!(error, "the workflow `w` cannot be written as a definition: 5: `a` is given twice in the same map");

    plan.root.nodes.pop();
    plan.rules = 99;
    let error = to_yaml(&plan).expect_err("rules of nobody").to_string();
    assert_eq!(
        error,
        "the workflow `w` cannot be written as a definition: no key of the language says what it has at `/rules`"
    );

    plan.rules = Plan::FIRST_RULES;
    let kind = Kind::Raise(sagaline_model::Raise {
        kind: "X".into(),
        message: "${".into(),
        details: ActivityName::new("a").expect("a name").as_str().into(),
    });
    plan.root.nodes.push(Node::new(Name::new("b").expect("a name"), kind));
    assert!(to_yaml(&plan).is_err(), "its message is no expression");
}

#[test]
fn what_a_project_gave_is_left_to_the_project() {
    let config = serde_json::json!({ "host": "https://shop.example", "other": 1 });
    let within = Surroundings { config: config.as_object().cloned(), ..Surroundings::default() };
    let text = "workflow: w\nsteps:\n  a:\n    activity: http\n    input:\n      url: \"${ config.host }/orders\"\n";
    let plan = read_all_within(text, "w.yaml", &within).expect("a definition").remove(0).plan;
    assert_eq!(plan.config.len(), 1);
    assert_eq!(to_yaml(&plan).expect("it can be written"), text);
}

#[test]
fn what_no_step_takes_of_what_all_share_is_no_part_of_a_plan() {
    is_written(
        "workflow: w\nstep_timeout: \"${ config.patience }\"\nretry: { attempts: 2, backoff: \"${ config.pause }\" }\nsteps:\n  a: { wait: 1s }\n",
        "workflow: w\nsteps:\n  a:\n    wait: 1s\n",
    );
}

#[test]
fn a_text_that_ends_with_a_dash_is_no_mark_of_a_list() {
    let list = documents("- [a -, - -, -a]\n", "w.yaml");
    assert!(list.is_err(), "that is not what YAML takes for texts");
    let texts = documents("- 'a -'\n- '- -'\n- a-\n", "w.yaml").expect("three texts");
    let written = yaml(&texts);
    assert_eq!(written, "[\"a -\", \"- -\", a-]\n");
    assert_eq!(documents(&written, "w.yaml"), Ok(texts));
}
