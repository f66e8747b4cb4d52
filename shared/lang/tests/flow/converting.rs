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
    let flow = convert(yaml, file, Form::Flow).expect("it has no fault").text;
    assert_eq!(plans(yaml, file), plans(&flow, "x.flow"), "{flow}");
    assert_eq!(format(&flow, "x.flow").as_ref(), Ok(&flow), "what is written is in its canonical form");
    let back = convert(&flow, "x.flow", Form::Yaml).expect("it has no fault").text;
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
                let yaml = convert(&text, &name, Form::Yaml).expect("it has no fault").text;
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
    timeout 2h
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
    let converted = convert(yaml, "order.yaml", Form::Flow).expect("it has no fault");
    assert_eq!(converted.comments_left, 1, "that of the timeout");
}
