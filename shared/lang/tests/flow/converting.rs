//! From YAML to .flow and back: the same plans both ways.

use std::path::Path;

use sagaline_lang::{Form, convert, format, read_all};
use sagaline_model::Plan;

#[track_caller]
fn plans(source: &str, file: &str) -> Vec<Plan> {
    let read = read_all(source, file).unwrap_or_else(|faults| panic!("{}", faults.render(source)));
    read.into_iter().map(|definition| definition.plan).collect()
}

/// Converts there and back, and gives the .flow text.
#[track_caller]
fn there_and_back(yaml: &str, file: &str) -> String {
    let flow = convert(yaml, file, Form::Flow).expect("it has no fault");
    assert_eq!(plans(yaml, file), plans(&flow, "x.flow"), "{flow}");
    assert_eq!(format(&flow, "x.flow").as_ref(), Ok(&flow), "what is written is in its canonical form");
    let back = convert(&flow, "x.flow", Form::Yaml).expect("it has no fault");
    assert_eq!(plans(yaml, file), plans(&back, "x.yaml"), "{back}");
    flow
}

fn files_in(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut found = vec![];
    for path in std::fs::read_dir(folder).expect("a folder").flatten().map(|entry| entry.path()) {
        if path.is_dir() {
            found.extend(files_in(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn every_example_says_the_same_in_both_forms() {
    let files = files_in(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples"));
    for file in &files {
        let (text, name) = (std::fs::read_to_string(file).expect("a text"), file.display().to_string());
        match Form::of(&name) {
            Form::Yaml => drop(there_and_back(&text, &name)),
            Form::Flow => {
                let yaml = convert(&text, &name, Form::Yaml).expect("it has no fault");
                assert_eq!(plans(&text, &name), plans(&yaml, "x.yaml"), "{yaml}");
                drop(there_and_back(&yaml, "x.yaml"));
            }
        }
    }
    assert!(20 < files.len(), "{} examples", files.len());
}

#[test]
fn every_block_of_the_pages_says_the_same_in_both_forms() {
    let page = include_str!("../../../../docs/workflows.md");
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().expect("a block"));
    assert!(20 < blocks.inspect(|block| drop(there_and_back(block, "page.yaml"))).count());
}

#[test]
fn a_file_as_it_is_converted() {
    let yaml = r#"# an order
# and its parcel
workflow: order
on: [{ event: order.created, when: "${ trigger.data.total > 0 }" }, { cron: "0 6 * * *", timezone: UTC }, { every: 5m }, manual]
timeout: 2h # enough
retry: { attempts: 3, initial: 10s }
metadata: { trigger: event, path: workflow.input.x }
steps:
  check: { activity: orders.check, input: { id: "${ workflow.input.id }", odd: "${workflow.input.id}", text: "workflow.input.id", n: 1.50, some: "12" } }
  reserve: { after: check, activity: stock.reserve, when: "steps.check.output.ok && trigger.shop == 'x'" }
  weigh: { after: check, activity: weigh, context_key: weight }
  parallel: { after: [reserve, weigh], activity: pack, input: { kilos: "${ ctx.weight.kilos }", of: "${ steps.check.output }" } }
  alone: { activity: noop }
  last: { after: [check, parallel], wait: "${ workflow.input.patience }" }
"#;
    let expected = r#"// an order
// and its parcel
workflow order {
    trigger event "order.created" { when "trigger.data.total > 0" }
    trigger schedule "0 6 * * *" { timezone UTC }
    trigger { every 5m }
    trigger manual
    timeout 2h // enough
    retry { attempts 3, initial 10s }
    metadata { "trigger": event, path: 'workflow.input.x' }

    steps {
        check {
            activity orders.check
            input {
                id: workflow.input.id
                odd: "${workflow.input.id}"
                text: 'workflow.input.id'
                n: 1.5
                some: "12"
            }
        }
        parallel {
            reserve {
                activity stock.reserve
                if "${ steps.check.output.ok && trigger.shop == 'x' }"
            }
            weigh {
                activity weigh
                as weight
            }
        }
        "parallel" {
            activity pack
            input { kilos: weight.kilos, of: steps.check.output }
        }
        alone {
            after []
            activity noop
        }
        last {
            after [check, parallel]
            wait workflow.input.patience
        }
    }
}
"#;
    assert_eq!(there_and_back(yaml, "order.yaml"), expected);
}

/// Every place where a comment may stand, in both forms.
#[test]
fn comments_stay_at_what_they_stand_at() {
    let yaml = r##"# of all

## of the name
workflow: order # behind the name
# above triggers
on: # behind triggers
  # above the first
  - event: order.created # behind the first
    # of its condition
    when: "${ trigger.data.total > 0 }"
  # the last of them
steps:
  # above a step
  check: # behind a step
    activity: orders.check # behind a key
    input: { id: "#1", text: 'a # b' } # of it
    # at its end
  reserve:
    # why it waits
    after: check
    activity: stock.reserve
    input:
      - |
        # no comment
        text
      # between
      - &two 2 # an item
      - [ # opened
          3, # three
        ] # closed
# at the end
"##;
    let flow = r##"// of all
//# of the name
workflow order { // behind the name
    // above triggers
    // behind triggers
    // above the first
    trigger event "order.created" { // behind the first
        // of its condition
        when "trigger.data.total > 0"
    }

    // the last of them
    steps {
        // above a step
        check { // behind a step
            activity orders.check // behind a key
            input { id: "#1", text: "a # b" } // of it
            // at its end
        }
        // why it waits
        reserve {
            activity stock.reserve
            input [
                """
                    # no comment
                    text
                    """
                // between
                2 // an item
                [
                    // three
                    3 // closed
                ] // opened
            ]
        }
    }
}
// at the end
"##;
    let there = there_and_back(yaml, "order.yaml");
    assert!(there == flow, "{there}");
    let back = convert(flow, "order.flow", Form::Yaml).expect("it has no fault");
    let expected = r##"# of all
## of the name
workflow: order # behind the name
# above triggers
# behind triggers
# above the first
on: # behind the first
  - event: order.created
    # of its condition
    when: trigger.data.total > 0
# the last of them
steps:
  # above a step
  check: # behind a step
    activity: orders.check # behind a key
    input: # of it
      id: "#1"
      text: "a # b"
    # at its end
  # why it waits
  reserve:
    after: [check]
    activity: stock.reserve
    input:
      - |
        # no comment
        text
      # between
      - 2 # an item
      # opened
      # three
      - - 3 # closed
# at the end
"##;
    assert!(back == expected, "{back}");
}

#[test]
fn comments_at_what_is_short_in_a_flow_file_find_a_place() {
    let flow = r#"job report { // the job
    schedule "0 6 * * *" // when
    // the zone
    timezone "UTC"
    steps {
        // together
        parallel { // at once
            a { call x.y { n: 1 } } // a call
            // the last of these
        } // and then
        b {
            send email("b@example.com") { // a letter
                // what it says
                subject: "x"
            }
            on_fail rollback // says nothing
        }
    }
    on_fail: emit(ReportFailed) // an action
} // the end
"#;
    let expected = r#"# says nothing
workflow: report # the job
on: # when
  - cron: 0 6 * * *
    # the zone
    timezone: UTC
steps:
  # together
  # at once
  # the last of these
  # and then
  a: # a call
    activity: x.y
    input:
      n: 1
  b:
    after: [a]
    activity: send # a letter
    input:
      via: email
      to: b@example.com
      # what it says
      subject: x
on_failure: # an action
  emit:
    type: ReportFailed
    data: "${ outcome }"
# the end
"#;
    let yaml = convert(flow, "job.flow", Form::Yaml).expect("it has no fault");
    assert!(yaml == expected, "{yaml}");
}

#[test]
fn what_was_gathered_stands_where_the_first_of_it_stood() {
    let flow = r#"workflow order {
    trigger event "order.created"
    timeout 2h
    trigger manual

    steps {
        check { activity orders.check }
    }

    retry 2
}

job tidy {
    retry 2
    schedule "@daily"
    task data.tidy
    tags [night]
}
"#;
    let yaml = r#"workflow: order
on:
  - event: order.created
  - manual
timeout: 2h
steps:
  check:
    activity: orders.check
retry: 2
---
workflow: tidy
retry: 2
on:
  - cron: "@daily"
steps:
  tidy:
    activity: data.tidy
tags: [night]
"#;
    assert_eq!(convert(flow, "x.flow", Form::Yaml).as_deref(), Ok(yaml));
    let back = r#"workflow order {
    trigger event "order.created"
    trigger manual
    timeout 2h

    steps {
        check {
            activity orders.check
        }
    }

    retry 2
}

workflow tidy {
    retry 2
    trigger schedule "@daily"

    steps {
        tidy {
            activity data.tidy
        }
    }

    tags [night]
}
"#;
    assert_eq!(convert(yaml, "x.yaml", Form::Flow).as_deref(), Ok(back));
}

#[test]
fn a_flow_file_stays_as_it_is_written_when_it_is_to_be_one() {
    let flow = "job tidy { // at night\n  schedule: \"@daily\"\n  task: data.tidy }\n";
    let formatted = format(flow, "x.flow").expect("it has no fault");
    assert!(formatted.starts_with("job tidy { // at night\n    schedule"), "{formatted}");
    assert_eq!(convert(flow, "x.flow", Form::Flow), Ok(formatted));
}
