//! A plan in words: segments, steps, columns.

use std::fmt::Write as _;

use super::{Op, Plan};

/// The stages of a plan with what each computes, decides and carries.
pub fn explain(plan: &Plan) -> String {
    let mut text = String::new();
    let carried = |schema: &datafusion::arrow::datatypes::Schema| {
        let names: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| !name.starts_with("__"))
            .collect();
        names.join(", ")
    };
    for (number, segment) in plan.segments.iter().enumerate() {
        let source = if number == 0 {
            "records of the source"
        } else {
            "rows staged by the segment before, after dedup"
        };
        let _ = writeln!(text, "segment {number}: {source}");
        if number == 0 {
            let _ = writeln!(text, "  Scan\n      reads {}", plan.wanted.join(", "));
        }
        for step in &segment.steps {
            let _ = writeln!(text, "  {:?}    [{}]", step.op, step.label);
            if let Op::Sieve(doors) = &step.op {
                for door in doors {
                    let rule = &plan.rules[door.number as usize];
                    let predicate = rule.predicate.as_deref().unwrap_or("fault IS NULL");
                    let _ = writeln!(text, "      {}: {predicate}", rule.name);
                }
            }
            let _ = writeln!(text, "      carries {}", carried(&step.output));
        }
    }
    let _ = writeln!(text, "  Shard");
    for output in &plan.outputs {
        let of = if plan.outputs.len() > 1 {
            format!("{}: ", output.modality)
        } else {
            String::new()
        };
        let _ = writeln!(text, "      writes {of}{}", output.columns.join(", "));
    }
    text
}
