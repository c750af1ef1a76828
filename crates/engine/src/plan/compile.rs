//! From steps to segments: where signals are computed, where columns live and die, where phases are cut.

use std::{
    collections::{BTreeMap, BTreeSet, HashSet},
    sync::Arc,
};

use datafusion::{
    arrow::datatypes::{DataType, Field, Schema, SchemaRef},
    logical_expr::SortExpr,
};
use gristmill_core::{Card, Column, Extractor, ReadOptions, Signal, Splitter, Written, columns};
use gristmill_dedup::{CLUSTER_COLUMNS, DOCUMENT_COLUMN, Dedup, Method};
use gristmill_shard::{BORN_COLUMN, CHAIN_COLUMN, PREVIEW_COLUMN, Rule, VALUES_COLUMN, VERDICT_COLUMN};

use super::{
    Door, KeysOp, NodesOp, Op, Plan, PlanOutput, PlanStep, Segment,
    check::{column_names, ordering, ordering_names, predicate, unknown_column},
    context::NODE_INPUT,
};
use crate::{
    node::{IMAGES, TEXTS},
    recipe::{
        Action, Chain, DecontaminateSpec, DedupSpec, NodesSpec, Place, Problem, Problems, Recipe, RuleSpec,
        Step, nearest,
    },
    registry::{Registry, find_edit},
};

/// The document that a document was cut from.
pub(crate) const PARENT_ID: Column = Column::text(
    "parent_id",
    "id of the document that this one was cut from; null for whole records",
);
/// The number of a document in its record.
pub(crate) const PART: Column = Column::u32("part", "number of the document in its record, from 0");
/// How many parts a document was cut into.
pub(crate) const PART_COUNT: Column =
    Column::u32("part_count", "parts that a document was cut into; null for parts").if_named();
/// The rule of documents that were cut, and have parts.
pub(crate) const PARTS_RULE: &str = "has_parts";
/// The rule of documents that were cut: what stays are their parts.
pub(crate) const WHOLE_RULE: &str = "is_part";
/// The rule that keeps records with content.
pub(crate) const DOCUMENT_RULE: &str = "is_document";
/// The rule of copies of records that are only asked, pages for their images and images for their place.
pub(crate) const ASKED_RULE: &str = "is_asked_only";
/// The rule of several extractors: one of them reads the record.
pub(crate) const READABLE_RULE: &str = "is_readable";
/// Where records come in.
const ENTRY: &str = "0 read";
const DOCUMENT_PREDICATE: &str = "record_type IN ('response', 'resource', 'conversion', 'document')";
/// Columns that every row carries to its end.
const ALWAYS: [&str; 7] = ["id", "uri", "offset", "length", "url", "media_type", "fault"];

/// The rule that keeps what the extractors of a step read.
pub(crate) struct Accepted {
    pub(crate) name: &'static str,
    predicate: String,
}

/// One extractor names its rule itself.
pub(crate) fn accepted(extractors: &[&'static dyn Extractor]) -> Accepted {
    let all: Vec<_> = extractors.iter().map(|extractor| extractor.accepts()).collect();
    let predicates: Vec<_> = all
        .iter()
        .map(|accepts| format!("({})", accepts.predicate()))
        .collect();
    match all.as_slice() {
        [one] => Accepted {
            name: one.rule,
            predicate: one.predicate(),
        },
        _ => Accepted {
            name: READABLE_RULE,
            predicate: predicates.join(" OR "),
        },
    }
}

/// The columns that a sieve adds.
pub(crate) fn husk_fields() -> Vec<Field> {
    vec![
        Field::new(VERDICT_COLUMN, DataType::UInt32, true),
        Field::new(VALUES_COLUMN, DataType::Utf8View, true),
        Field::new(PREVIEW_COLUMN, DataType::Utf8View, true),
    ]
}

/// Compiles a recipe.
///
/// # Errors
/// All mistakes in its predicates and columns.
pub fn compile(file: &str, recipe: &Recipe, registry: &Registry) -> Result<Plan, Vec<Problem>> {
    let mut problems = Problems::new(file);
    let registry = registry.with_signals(recipe.signals());
    let mut compiler = Compiler::new(recipe, &registry, &mut problems);
    compiler.chains(recipe);
    compiler.expected(recipe);
    let plan = compiler.finish();
    if problems.is_empty() {
        Ok(plan)
    } else {
        Err(problems.into_sorted())
    }
}

/// An operation on its way into the plan.
pub(super) struct Planned {
    /// The chain that it belongs to; none where it is for all rows.
    pub(super) chain: Option<u8>,
    pub(super) label: String,
    pub(super) op: Op,
}

/// A chain that was compiled.
struct CompiledChain {
    /// Its modality; pages that are only asked for their images have none.
    modality: Option<&'static str>,
    columns: Vec<String>,
    segments: Vec<Vec<Planned>>,
}

struct Compiler<'a> {
    registry: &'a Registry,
    problems: &'a mut Problems,
    source_schema: SchemaRef,
    /// Columns that are there, and in which order they came.
    present: Vec<Field>,
    /// Columns that measure content which has changed since.
    stale: HashSet<String>,
    /// Columns that rules named.
    named: BTreeSet<String>,
    /// Columns of the chain's extractors, which are written unless they are left out.
    extracted: BTreeSet<&'static str>,
    /// Columns that the next rules note of what they reject, beside those that they look at.
    noted: Vec<String>,
    has_documents: bool,
    /// Whether a step took personal data out of the text; its Markdown still has them.
    is_redacted: bool,
    /// The number of the chain, where there are several.
    chain: Option<u8>,
    segments: Vec<Vec<Planned>>,
    /// What comes before all chains.
    entry: Vec<Planned>,
    done: Vec<CompiledChain>,
    /// The segment behind which pages are asked.
    asked_behind: Option<usize>,
    /// The segment behind which the crawl is asked for images of documents.
    sought_behind: Option<usize>,
    /// The step that asked for them, until `nodes` takes them.
    seeking: Option<Place>,
    rules: Vec<Rule>,
    dedup_rules: BTreeSet<usize>,
    versions: BTreeMap<String, u32>,
}

impl<'a> Compiler<'a> {
    fn new(recipe: &Recipe, registry: &'a Registry, problems: &'a mut Problems) -> Self {
        let source_schema = source_schema(recipe, problems);
        let mut versions = BTreeMap::new();
        let formats: Vec<_> = recipe
            .read
            .iter()
            .filter_map(|entry| entry.format.as_deref())
            .collect();
        for format in registry.formats {
            if formats.is_empty() || formats.contains(&format.card().name) {
                versions.insert(format!("format {}", format.card().name), format.card().version);
            }
        }
        Compiler {
            versions,
            ..Compiler::over(source_schema, registry, problems)
        }
    }

    /// A compiler of rows with these columns.
    fn over(source_schema: SchemaRef, registry: &'a Registry, problems: &'a mut Problems) -> Self {
        Compiler {
            registry,
            problems,
            source_schema,
            present: Vec::new(),
            stale: HashSet::new(),
            named: BTreeSet::new(),
            extracted: BTreeSet::new(),
            noted: Vec::new(),
            has_documents: false,
            is_redacted: false,
            chain: None,
            segments: Vec::new(),
            entry: Vec::new(),
            done: Vec::new(),
            asked_behind: None,
            sought_behind: None,
            seeking: None,
            rules: Vec::new(),
            dedup_rules: BTreeSet::new(),
            versions: BTreeMap::new(),
        }
    }

    fn chains(&mut self, recipe: &Recipe) {
        self.begin(None);
        let waiting = self.waiting(recipe);
        let is_routed = recipe.chains.len() + waiting.len() > 1;
        if is_routed {
            self.route(recipe, &waiting);
        }
        let mut unknown = recipe.write.columns.clone().unwrap_or_default();
        for (number, chain) in (0_u8..).zip(&recipe.chains) {
            self.begin(is_routed.then_some(number));
            self.steps(chain);
            let columns = self.written(recipe);
            unknown.retain(|(name, _)| !columns.contains(name));
            if let (true, Some((_, place))) =
                (columns.is_empty(), recipe.write.columns.iter().flatten().next())
            {
                let message = format!("chain {:?} has none of these columns", chain.modality);
                self.problems
                    .add(place, message, "name at least `id`, or leave the chain out");
            }
            self.end(chain.modality, columns);
        }
        let mut number = recipe.chains.len() as u8;
        if let Some(segment) = self.asked_behind {
            self.begin(Some(number));
            number += 1;
            self.note(self.registry.page_images.card());
            self.add(ENTRY, Op::Extract(vec![self.registry.page_images]));
            self.wait(recipe, segment, vec![columns::PAGE_IMAGES.name.to_owned()]);
        }
        if let Some(segment) = self.sought_behind {
            self.begin(Some(number));
            self.wait(recipe, segment, Vec::new());
        }
        if is_routed {
            for (name, place) in &unknown {
                let known = self.known_names();
                unknown_column(name, place, known.iter().map(String::as_str), self.problems);
            }
        }
    }

    /// Expectations can look at what is written, and at nothing else.
    fn expected(&mut self, recipe: &Recipe) {
        let written: BTreeSet<&str> = self
            .done
            .iter()
            .flat_map(|chain| &chain.columns)
            .map(String::as_str)
            .collect();
        let named = recipe
            .expect
            .iter()
            .filter_map(|expectation| Some((expectation.column()?, &expectation.place)));
        for (column, place) in named.filter(|(column, _)| !written.contains(column)) {
            let known: Vec<&str> = written.iter().copied().collect();
            let hint = match nearest(column, &known) {
                Some(name) => format!("did you mean `{name}`?"),
                None => "a column is written if a rule looks at it or `write.columns` names it".to_owned(),
            };
            self.problems
                .add(place, format!("no column {column:?} is written"), hint);
        }
    }

    /// Starts a chain: nothing but the record is there.
    fn begin(&mut self, chain: Option<u8>) {
        let record = self.source_schema.fields().iter();
        self.present = record.map(|field| field.as_ref().clone()).collect();
        self.stale.clear();
        self.named.clear();
        self.extracted.clear();
        self.has_documents = false;
        self.is_redacted = false;
        self.chain = chain;
        self.segments = vec![Vec::new()];
    }

    /// Ends a chain.
    fn end(&mut self, modality: &'static str, columns: Vec<String>) {
        self.is_resolved();
        // Whatever an edit or a signal could not cope with leaves here.
        let last = self.segments.last().and_then(|ops| ops.last());
        if !matches!(last, Some(Planned { op: Op::Sieve(_), .. })) {
            self.sieve("write", vec![]);
        }
        self.done.push(CompiledChain {
            modality: Some(modality),
            columns,
            segments: std::mem::take(&mut self.segments),
        });
    }

    /// The extractors of what is read for other chains alone: pages that are asked for their images, images that
    /// documents are asked for.
    fn waiting(&self, recipe: &Recipe) -> Vec<Vec<&'static dyn Extractor>> {
        let has = |is_asked: fn(&Action) -> bool| recipe.steps().any(|step| is_asked(&step.action));
        let mut waiting = Vec::new();
        if has(|action| matches!(action, Action::Context)) {
            waiting.push(vec![self.registry.page_images]);
        }
        if has(|action| matches!(action, Action::Resolve)) {
            waiting.push(self.images().into_iter().collect());
        }
        waiting
    }

    /// The extractor of images.
    fn images(&self) -> Option<&'static dyn Extractor> {
        let modalities = self.registry.modalities.iter();
        let mut images = modalities.filter(|modality| modality.name == "image");
        images.find_map(|modality| modality.extractor(modality.implied))
    }

    /// Records that are read for another chain alone wait until they were asked, and leave by a rule of their own.
    fn wait(&mut self, recipe: &Recipe, asked_behind: usize, columns: Vec<String>) {
        for _ in 0..=asked_behind {
            self.segments.push(Vec::new());
        }
        let never = RuleSpec {
            name: ASKED_RULE.to_owned(),
            sql: "id IS NULL".to_owned(),
            place: Place::Line(1, 1),
        };
        let mut door = self
            .door(ENTRY, &never)
            .expect("a predicate over a column of every record");
        door.is_entry = true;
        let readable = self.readable(recipe);
        self.rules[door.number as usize].predicate = Some(readable);
        self.add(ENTRY, Op::Sieve(vec![door]));
        self.done.push(CompiledChain {
            columns,
            segments: std::mem::take(&mut self.segments),
            modality: None,
        });
    }

    /// What one of the chains reads.
    fn readable(&self, recipe: &Recipe) -> String {
        let extractors = recipe.chains.iter().flat_map(|chain| self.extractors(chain).0);
        let predicates: Vec<_> = extractors
            .map(|extractor| format!("({})", extractor.accepts().predicate()))
            .collect();
        predicates.join(" OR ")
    }

    /// Each record goes to the chains that read it.
    fn route(&mut self, recipe: &Recipe, waiting: &[Vec<&'static dyn Extractor>]) {
        let chains = recipe.chains.iter().map(|chain| self.extractors(chain).0);
        let chains: Vec<Vec<&'static dyn Extractor>> = chains.chain(waiting.iter().cloned()).collect();
        let mut readable = self.readable(recipe);
        for extractor in waiting.iter().flatten() {
            readable = format!("{readable} OR ({})", extractor.accepts().predicate());
        }
        let doors = self.entry_doors(ENTRY, &Place::Line(1, 1), READABLE_RULE, &readable);
        self.sieve(ENTRY, doors);
        self.add(ENTRY, Op::Route(chains));
        self.entry = std::mem::take(&mut self.segments).remove(0);
    }

    /// The extractors of a chain, and whether it names them.
    fn extractors(&self, chain: &Chain) -> (Vec<&'static dyn Extractor>, bool) {
        let named = chain.steps.iter().find_map(|step| match &step.action {
            Action::Extract(extractors) => Some(extractors.clone()),
            _ => None,
        });
        let is_named = named.is_some();
        let modalities = self.registry.modalities.iter();
        let implied = modalities
            .filter(|modality| modality.name == chain.modality)
            .filter_map(|modality| modality.extractor(modality.implied));
        (named.unwrap_or_else(|| implied.collect()), is_named)
    }

    fn steps(&mut self, chain: &Chain) {
        if self.chain.is_none() {
            self.sieve(ENTRY, vec![]);
        }
        let (extractors, is_named) = self.extractors(chain);
        if let (false, [implied]) = (is_named, extractors.as_slice()) {
            let label = format!("0 extract {}", implied.card().name);
            let label = match self.chain {
                Some(_) => format!("{} {label}", chain.modality),
                None => label,
            };
            self.extract(&label, &Place::Line(1, 1), &extractors);
        }
        for step in &chain.steps {
            self.step(step);
        }
    }

    fn step(&mut self, step: &Step) {
        match &step.action {
            Action::Extract(_) if self.has_documents => {
                self.problems.add(
                    &step.place,
                    "the records were extracted already",
                    "a chain has one `extract`",
                );
            }
            Action::Extract(extractors) => self.extract(&step.label, &step.place, extractors),
            Action::Keep(rules) => self.keep(&step.label, rules),
            Action::Edit(spec) => {
                let edit = spec.thing;
                let card = edit.card();
                let inputs = input_names(card.inputs);
                let is_redaction = find_edit(self.registry.redactions, card.name).is_some();
                if self.is_redacted && inputs.contains(&columns::TEXT_MARKDOWN.name) {
                    self.problems.add(
                        &step.place,
                        format!("edit {:?} brings back what was redacted from \"text\"", card.name),
                        "put it before the first `redact`",
                    );
                }
                self.is_redacted |= is_redaction;
                if self.request(&inputs, &step.place, &step.label) {
                    let is_signal = |name: &&&str| self.registry.signal_of(name).is_some();
                    let signals: Vec<_> = inputs
                        .iter()
                        .filter(is_signal)
                        .map(|&name| name.to_owned())
                        .collect();
                    self.derive(&step.label, &signals);
                    self.note(card);
                    for output in card.outputs {
                        if card.inputs.iter().any(|input| input.name == output.name) {
                            self.content_changes(output.name);
                        }
                    }
                    for output in card.outputs {
                        self.stale.remove(output.name);
                    }
                    self.add(&step.label, Op::Edit(edit));
                    // What it could not do is told here: the next edit knows nothing of it.
                    if card
                        .outputs
                        .iter()
                        .any(|output| output.name == columns::FAULT.name)
                    {
                        self.sieve(&step.label, vec![]);
                    }
                }
            }
            Action::Split(spec) => self.split(step, spec.thing),
            Action::Context => self.context(step),
            Action::Resolve => self.resolve(step),
            Action::Nodes(spec) => self.nodes(step, spec),
            Action::Dedup(spec) => self.dedup(step, spec),
            Action::Decontaminate(spec) => self.decontaminate(step, spec),
        }
    }

    /// Cuts documents into parts; they leave, and their parts stay. A part has no measure of the whole.
    fn split(&mut self, step: &Step, splitter: &'static dyn Splitter) {
        let card = splitter.card();
        let inputs = input_names(card.inputs);
        if !self.request(&inputs, &step.place, &step.label) {
            return;
        }
        let is_signal = |name: &&&str| self.registry.signal_of(name).is_some();
        let signals: Vec<_> = inputs
            .iter()
            .filter(is_signal)
            .map(|&name| name.to_owned())
            .collect();
        if !self.derive(&step.label, &signals) {
            return;
        }
        self.note(card);
        let is_output = |name: &str| card.outputs.iter().any(|output| output.name == name);
        for input in &inputs {
            self.content_changes(input);
        }
        for output in card.outputs {
            self.stale.remove(output.name);
        }
        self.sieve(&step.label, vec![]);
        self.add(&step.label, Op::Split(splitter));
        let rules = [
            (PARTS_RULE, "part_count IS NULL OR part_count > 0"),
            (WHOLE_RULE, "part_count IS NULL"),
        ];
        let rules = rules.map(|(name, sql)| RuleSpec {
            name: name.into(),
            sql: sql.into(),
            place: step.place.clone(),
        });
        let mut doors: Vec<Door> = rules
            .iter()
            .filter_map(|rule| self.door(&step.label, rule))
            .collect();
        // Whatever is asked besides, a document that was cut goes no further.
        doors.iter_mut().for_each(|door| door.is_entry = true);
        self.sieve(&step.label, doors);
        let stale = std::mem::take(&mut self.stale);
        // What an extractor or a comparison said of the whole is not said of a part. The text is its caption.
        let extractors = self.registry.extractors();
        let of_whole: Vec<&str> = extractors
            .flat_map(|extractor| extractor.card().outputs)
            .chain(&CLUSTER_COLUMNS)
            .map(|column| column.name)
            .filter(|name| *name != columns::TEXT.name)
            .collect();
        let is_gone = |name: &str| {
            let is_cut = inputs.contains(&name) || of_whole.contains(&name);
            (is_cut && !ALWAYS.contains(&name) && !is_output(name))
                || stale.contains(name)
                || name == PART_COUNT.name
        };
        self.present.retain(|field| !is_gone(field.name()));
    }

    /// The address of each image at the end of this segment, and what pages say of it at the start of the next one.
    fn context(&mut self, step: &Step) {
        if !self.request(&[columns::IMAGE.name], &step.place, &step.label) {
            return;
        }
        if self.asked_behind.is_some() {
            self.problems.add(
                &step.place,
                "pages were asked for images already",
                "a recipe has one `context`",
            );
            return;
        }
        self.asked_behind = Some(self.segments.len() - 1);
        self.sieve(&step.label, vec![]);
        self.add(&step.label, Op::Ask);
        self.cut();
        self.content_changes(columns::TEXT.name);
        self.add(&step.label, Op::Context);
    }

    /// The addresses of images at the end of this segment; they are there at the start of the next one.
    fn resolve(&mut self, step: &Step) {
        if !self.request(&[columns::DOCUMENT_NODES.name], &step.place, &step.label) {
            return;
        }
        if self.sought_behind.is_some() {
            let message = "images were looked for already";
            self.problems
                .add(&step.place, message, "a recipe has one `resolve`");
            return;
        }
        self.sought_behind = Some(self.segments.len() - 1);
        self.sieve(&step.label, vec![]);
        self.add(&step.label, Op::Seek);
        self.cut();
        self.seeking = Some(step.place.clone());
    }

    /// Judges the nodes of documents by steps of their own, and puts what stays into lists.
    fn nodes(&mut self, step: &Step, spec: &NodesSpec) {
        if !self.request(&[columns::DOCUMENT_NODES.name], &step.place, &step.label) {
            return;
        }
        let Some(raster) = self.images() else {
            return;
        };
        let husk = husk_fields().into_iter();
        let chain = Field::new(CHAIN_COLUMN, DataType::UInt8, true);
        let fields = NODE_INPUT.iter().map(Column::field).chain(husk).chain([chain]);
        let input: SchemaRef = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let mut inner = Compiler::over(input.clone(), self.registry, self.problems);
        inner.begin(Some(TEXTS));
        inner.has_documents = true;
        spec.text.iter().for_each(|step| inner.step(step));
        inner.end("text", vec![columns::TEXT.name.to_owned()]);
        inner.begin(Some(IMAGES));
        inner.extract(&step.label, &step.place, &[raster]);
        spec.image.iter().for_each(|step| inner.step(step));
        let told = [
            "image",
            "image_width_px",
            "image_height_px",
            "image_format",
            "url",
        ];
        inner.end("image", told.map(str::to_owned).to_vec());
        let versions = std::mem::take(&mut inner.versions);
        let op = inner.finish_nodes();
        self.seeking = None;
        self.versions.extend(versions);
        self.content_changes(columns::TEXT.name);
        self.add(&step.label, Op::Nodes(Arc::new(op)));
        self.present
            .retain(|field| field.name() != columns::DOCUMENT_NODES.name);
    }

    /// Says so where images were looked for and nobody took them.
    fn is_resolved(&mut self) {
        if let Some(place) = self.seeking.take() {
            let message = "what `resolve` finds is not used";
            let hint = "put `nodes` behind `resolve`, and before any `dedup`";
            self.problems.add(&place, message, hint);
        }
    }

    /// Ends a segment. Word offsets and the like do not cross: recomputing them is cheaper than storing them. What no
    /// signal can compute again does.
    fn cut(&mut self) {
        self.is_resolved();
        let registry = self.registry;
        let is_work = |name: &str| is_internal(registry, name) && registry.signal_of(name).is_some();
        self.present.retain(|field| !is_work(field.name()));
        self.segments.push(Vec::new());
    }

    /// The signal of the evaluation sets, and the rule over it. A rejected row tells all that was found.
    fn decontaminate(&mut self, step: &Step, spec: &DecontaminateSpec) {
        let columns = spec.columns();
        let inputs = input_names(spec.signal.card().inputs);
        if !self.request(&inputs, &step.place, &step.label) || !self.derive(&step.label, &columns) {
            return;
        }
        self.noted.clone_from(&columns);
        self.keep(&step.label, std::slice::from_ref(&spec.keep));
        self.noted.clear();
        self.named.extend(columns);
    }

    /// Keys at the end of this segment, clusters at the start of the next one, and the rule over them.
    fn dedup(&mut self, step: &Step, spec: &DedupSpec) {
        let mut looks_at = vec![spec.column.as_str()];
        if let Dedup::Whole(fingerprint) = &spec.dedup {
            looks_at.extend(fingerprint.beside().iter().map(|column| column.name));
        }
        if !self.request(&looks_at, &step.place, &step.label) {
            return;
        }
        let is_signal = |name: &&&str| self.registry.signal_of(name).is_some();
        let signals: Vec<String> = looks_at
            .iter()
            .filter(is_signal)
            .map(|&name| name.to_owned())
            .collect();
        if !self.derive(&step.label, &signals) {
            return;
        }
        self.note(spec.method.card());
        let Some((prefer, prefer_columns)) = self.prefer(step, spec) else {
            return;
        };
        self.sieve(&step.label, vec![]);
        let keys = KeysOp {
            dedup: spec.dedup.clone(),
            column: spec.column.clone(),
            prefer,
            prefer_columns,
            chain: self.chain,
        };
        self.add(&step.label, Op::Keys(Arc::new(keys)));
        self.cut();
        match spec.dedup {
            Dedup::Whole(_) => {
                self.add(&step.label, Op::Clusters);
                self.named.insert(gristmill_dedup::CLUSTER_ID.name.to_owned());
            }
            Dedup::Parts(_) => {
                self.content_changes(&spec.column);
                self.add(&step.label, Op::Cut(spec.column.clone()));
            }
        }
        let first = self.rules.len();
        self.keep(&step.label, std::slice::from_ref(&spec.keep));
        self.dedup_rules.extend(first..self.rules.len());
    }

    /// The order of preference, and the columns that it looks at; their signals are computed here.
    fn prefer(&mut self, step: &Step, spec: &DedupSpec) -> Option<(Vec<SortExpr>, Vec<String>)> {
        let Some(prefer) = &spec.prefer else {
            return Some((Vec::new(), Vec::new()));
        };
        let (parsed, names) = ordering_names(prefer, self.problems)?;
        let mut is_known = true;
        for (name, place) in &names {
            is_known &= self.knows(name, place, &step.label);
        }
        let mut columns: Vec<String> = names.into_iter().map(|(name, _)| name).collect();
        columns.sort_unstable();
        columns.dedup();
        let is_signal = |name: &&String| self.registry.signal_of(name).is_some();
        let signals: Vec<String> = columns.iter().filter(is_signal).cloned().collect();
        if !is_known || !self.derive(&step.label, &signals) {
            return None;
        }
        let sorts = ordering(&parsed, &prefer.place, &self.visible(), self.problems)?;
        Some((sorts, columns))
    }

    /// The columns that a predicate may name here.
    fn visible(&self) -> Schema {
        let visible = self
            .present
            .iter()
            .filter(|field| !self.is_internal(field.name()));
        Schema::new(visible.cloned().collect::<Vec<_>>())
    }

    fn extract(&mut self, label: &str, place: &Place, extractors: &[&'static dyn Extractor]) {
        if self.chain.is_none() {
            let accepted = accepted(extractors);
            let doors = self.entry_doors(label, place, accepted.name, &accepted.predicate);
            self.sieve(label, doors);
        }
        for extractor in extractors {
            self.note(extractor.card());
            let outputs = extractor.card().outputs.iter();
            let written = outputs.filter(|output| output.written == Written::ByDefault);
            self.extracted.extend(written.map(|output| output.name));
        }
        self.add(label, Op::Extract(extractors.to_vec()));
        self.has_documents = true;
        // A document with a fault has no content to measure, and its fault is told here and by nobody behind it.
        self.sieve(label, vec![]);
    }

    /// The doors that records must pass to be read by an extractor.
    fn entry_doors(&mut self, label: &str, place: &Place, name: &str, predicate: &str) -> Vec<Door> {
        let rules = [(DOCUMENT_RULE, DOCUMENT_PREDICATE), (name, predicate)];
        let rules = rules.map(|(name, sql)| RuleSpec {
            name: name.into(),
            sql: sql.into(),
            place: place.clone(),
        });
        let mut doors: Vec<Door> = rules.iter().filter_map(|rule| self.door(label, rule)).collect();
        doors.iter_mut().for_each(|door| door.is_entry = true);
        doors
    }

    fn keep(&mut self, label: &str, rules: &[RuleSpec]) {
        // First the columns of all rules, so that one Derive computes them together and shares what they share.
        let mut complete = true;
        let mut wanted = Vec::new();
        for rule in rules {
            match column_names(rule, self.problems) {
                Some(names) => wanted.extend(names),
                None => complete = false,
            }
        }
        for (name, place) in &wanted {
            complete &= self.knows(name, place, label);
        }
        let names = wanted.iter().map(|(name, _)| name.as_str());
        let is_signal = |name: &&str| self.registry.signal_of(name).is_some();
        let signals: Vec<String> = names.clone().filter(is_signal).map(str::to_owned).collect();
        if !self.derive(label, &signals) {
            return;
        }
        self.named.extend(names.map(str::to_owned));
        let mut doors = Vec::new();
        for rule in rules {
            if complete || self.is_known_whole(rule) {
                doors.extend(self.door(label, rule));
            }
        }
        self.sieve(label, doors);
    }

    /// Whether all columns of a rule are there, so that its types can be checked though another rule is wrong.
    fn is_known_whole(&self, rule: &RuleSpec) -> bool {
        let names = column_names(rule, &mut Problems::new("")).unwrap_or_default();
        !names.is_empty() && names.iter().all(|(name, _)| self.has(name))
    }

    fn has(&self, name: &str) -> bool {
        self.present.iter().any(|field| field.name() == name)
    }

    fn is_internal(&self, name: &str) -> bool {
        is_internal(self.registry, name)
    }

    /// Whether a column is there or can be computed here; says so if not.
    fn knows(&mut self, name: &str, place: &Place, label: &str) -> bool {
        if self.has(name) && !self.is_internal(name) {
            return true;
        }
        if let Some(signal) = self.registry.signal_of(name)
            && signal
                .card()
                .outputs
                .iter()
                .any(|output| output.name == name && !output.is_internal())
        {
            return self.request(&input_names(signal.card().inputs), place, label);
        }
        for extractor in self.registry.extractors() {
            if extractor.card().outputs.iter().any(|output| output.name == name) {
                let extractor = extractor.card().name;
                self.problems.add(
                    place,
                    format!("column {name:?} is not there yet"),
                    format!("`extract: {extractor}` gives it: put that step before this one"),
                );
                return false;
            }
        }
        let edits = self.registry.edits.iter().chain(self.registry.redactions);
        for edit in edits {
            let card = edit.card();
            let makes = card.outputs.iter().any(|output| output.name == name);
            // What an edit changes it does not make.
            if makes && card.inputs.iter().all(|input| input.name != name) {
                let edit = edit.card().name;
                self.problems.add(
                    place,
                    format!("column {name:?} is not there yet"),
                    format!("edit `{edit}` gives it: put that step before this one"),
                );
                return false;
            }
        }
        let gives = |method: &&&dyn Method| method.card().outputs.iter().any(|output| output.name == name);
        if let Some(method) = self.registry.methods.iter().find(gives) {
            let method = method.card().name;
            self.problems.add(
                place,
                format!("column {name:?} is not there yet"),
                format!("a `dedup` step such as `dedup: {{{method}: text}}` gives it: put that step before this one"),
            );
            return false;
        }
        let known: Vec<String> = self.known_names();
        unknown_column(name, place, known.iter().map(String::as_str), self.problems);
        false
    }

    fn known_names(&self) -> Vec<String> {
        let present = self
            .present
            .iter()
            .map(|field| field.name().clone())
            .filter(|name| !self.is_internal(name));
        present
            .chain(
                self.registry
                    .signal_columns()
                    .map(|column| column.name.to_owned()),
            )
            .collect()
    }

    /// Whether content columns are there, directly or through signals; says so if not.
    fn request(&mut self, names: &[&str], place: &Place, label: &str) -> bool {
        for &name in names {
            if self.has(name) {
                continue;
            }
            if let Some(signal) = self.registry.signal_of(name) {
                if !self.request(&input_names(signal.card().inputs), place, label) {
                    return false;
                }
                continue;
            }
            let hint = match name {
                "image" => "images have it: put this step into `image:`",
                "audio" => "sounds and the tracks of videos are it: put this step into `audio:` or `video:`",
                "video" => "videos have it: put this step into `video:`",
                "document_nodes" => {
                    "interleaved documents have it, until `nodes` takes it: put this step into `interleaved:`"
                }
                _ => "put an `extract` step before this one",
            };
            self.problems.add(
                place,
                format!("step {label:?} needs the column {name:?}, which is not there yet"),
                hint,
            );
            return false;
        }
        true
    }

    /// Adds a Derive for those of the columns that are missing or stale. False if inputs are missing.
    fn derive(&mut self, label: &str, columns: &[String]) -> bool {
        let mut signals: Vec<&'static dyn Signal> = Vec::new();
        for column in columns {
            if !self.plan_signal(column, &mut signals) {
                return false;
            }
        }
        if !signals.is_empty() {
            for signal in &signals {
                self.note(signal.card());
                for output in signal.card().outputs {
                    self.stale.remove(output.name);
                }
            }
            self.add(label, Op::Derive(signals));
        }
        true
    }

    /// Puts the signal of a column into the list, after the signals that it needs.
    fn plan_signal(&self, column: &str, signals: &mut Vec<&'static dyn Signal>) -> bool {
        let fresh = self.has(column) && !self.stale.contains(column);
        let Some(signal) = self.registry.signal_of(column) else {
            return self.has(column);
        };
        let listed = |signals: &[&'static dyn Signal]| {
            signals
                .iter()
                .any(|known| known.card().name == signal.card().name)
        };
        if fresh || listed(signals) {
            return true;
        }
        if !signal
            .card()
            .inputs
            .iter()
            .all(|input| self.plan_signal(input.name, signals))
        {
            return false;
        }
        signals.push(signal);
        true
    }

    /// Marks every signal of a content column as measured on what it was before.
    fn content_changes(&mut self, column: &str) {
        let mut changed: HashSet<&str> = HashSet::from([column]);
        loop {
            let before = changed.len();
            for signal in &self.registry.signals {
                if signal
                    .card()
                    .inputs
                    .iter()
                    .any(|input| changed.contains(input.name))
                {
                    changed.extend(signal.card().outputs.iter().map(|output| output.name));
                }
            }
            if changed.len() == before {
                break;
            }
        }
        changed.remove(column);
        self.stale.extend(changed.into_iter().map(str::to_owned));
    }

    fn door(&mut self, label: &str, rule: &RuleSpec) -> Option<Door> {
        let visible = self.visible();
        let mut predicate = predicate(rule, &visible, self.problems)?;
        let is_new = |name: &&String| !predicate.columns.contains(name);
        let noted: Vec<String> = self.noted.iter().filter(is_new).cloned().collect();
        predicate.columns.extend(noted);
        let number = self.number(Rule {
            step: label.to_owned(),
            name: rule.name.clone(),
            predicate: Some(rule.sql.clone()),
        });
        Some(Door {
            number,
            predicate: Some(predicate),
            is_entry: false,
        })
    }

    fn number(&mut self, rule: Rule) -> u32 {
        self.rules.push(rule);
        self.rules.len() as u32 - 1
    }

    /// Adds a sieve; the door of faults comes first.
    fn sieve(&mut self, label: &str, doors: Vec<Door>) {
        let fault = Door {
            number: self.number(Rule::fault(label)),
            predicate: None,
            is_entry: false,
        };
        self.add(label, Op::Sieve([vec![fault], doors].concat()));
    }

    fn add(&mut self, label: &str, op: Op) {
        for output in op.outputs() {
            match self
                .present
                .iter_mut()
                .find(|field| field.name() == output.name())
            {
                Some(field) => *field = output,
                None => self.present.push(output),
            }
        }
        let planned = Planned {
            chain: self.chain,
            label: label.to_owned(),
            op,
        };
        self.segments
            .last_mut()
            .expect("there is always one")
            .push(planned);
    }

    fn note(&mut self, card: &'static Card) {
        self.versions.insert(card.name.to_owned(), card.version);
    }

    /// The columns to write; computes those that `columns` asks for.
    fn written(&mut self, recipe: &Recipe) -> Vec<String> {
        let Some(named) = &recipe.write.columns else {
            return self.default_columns();
        };
        let mut signals = Vec::new();
        let mut written = Vec::new();
        for (name, place) in named {
            // One of several chains has the column.
            if self.chain.is_some() && !self.can_have(name) {
                continue;
            }
            written.push(name.clone());
            if self.is_redacted && name == columns::TEXT_MARKDOWN.name {
                self.problems.add(
                    place,
                    format!("{name:?} still holds what was redacted from \"text\""),
                    "put `edit: markdown` before the first `redact` and write \"text\"",
                );
            }
            if self.knows(name, place, "write") && self.registry.signal_of(name).is_some() {
                signals.push(name.clone());
            }
        }
        self.derive("write", &signals);
        written
    }

    /// Whether a column is there or can be computed here, without a word if not.
    fn can_have(&self, name: &str) -> bool {
        let is_computable = |signal: &dyn Signal| {
            let inputs = signal.card().inputs;
            inputs.iter().all(|input| self.can_have(input.name))
        };
        self.has(name) || self.registry.signal_of(name).is_some_and(is_computable)
    }

    fn default_columns(&self) -> Vec<String> {
        let provenance = [
            "id",
            "uri",
            "offset",
            "length",
            "url",
            "parent_id",
            "part",
            "media_type",
            "timestamp",
        ];
        let others = self
            .present
            .iter()
            .map(|field| field.name().as_str())
            .filter(|name| !provenance.contains(name) && !self.is_internal(name))
            .filter(|name| {
                self.named.contains(*name)
                    || self.extracted.contains(name)
                    || self.registry.is_written_by_default(name)
            })
            .filter(|name| *name != "fault" && *name != "content")
            .filter(|name| !(self.is_redacted && *name == columns::TEXT_MARKDOWN.name));
        provenance
            .into_iter()
            .filter(|name| self.has(name))
            .chain(others)
            .map(str::to_owned)
            .collect()
    }

    /// The steps of nodes, which are one segment.
    fn finish_nodes(self) -> NodesOp {
        let ends: Vec<Vec<String>> = self.done.iter().map(|chain| chain.columns.clone()).collect();
        let segments = merged(Vec::new(), self.done);
        let (lives, _) = lives(&segments, &ends);
        let mut planned = with_schemas(segments, lives, &self.source_schema);
        NodesOp {
            input: self.source_schema,
            steps: planned.remove(0).steps,
            rules: self.rules,
        }
    }

    fn finish(self) -> Plan {
        let outputs = self.done.iter().filter_map(|chain| {
            Some(PlanOutput {
                modality: chain.modality?,
                columns: chain.columns.clone(),
            })
        });
        let outputs: Vec<PlanOutput> = outputs.collect();
        let ends: Vec<Vec<String>> = self.done.iter().map(|chain| chain.columns.clone()).collect();
        // What waits stands behind the chains, pages first.
        let waiting =
            |is_there: Option<usize>, before: usize| is_there.map(|_| (outputs.len() + before) as u8);
        let pages = waiting(self.asked_behind, 0);
        let resources = waiting(self.sought_behind, usize::from(pages.is_some()));
        let segments = merged(self.entry, self.done);
        let (lives, read) = lives(&segments, &ends);
        let wanted = columns::RECORD
            .iter()
            .map(|column| column.name)
            .filter(|name| read.contains(*name))
            .collect();
        let planned = with_schemas(segments, lives, &self.source_schema);
        Plan {
            segments: planned,
            rules: Arc::new(self.rules),
            dedup_rules: self.dedup_rules,
            outputs,
            pages,
            resources,
            wanted,
            versions: self.versions,
            source_schema: self.source_schema,
        }
    }
}

/// Gives each operation the schema behind it.
pub(super) fn with_schemas(
    segments: Vec<Vec<Planned>>,
    lives: Vec<Vec<BTreeSet<String>>>,
    source: &SchemaRef,
) -> Vec<Segment> {
    let mut input = source.clone();
    let mut planned = Vec::new();
    for (ops, lives) in segments.into_iter().zip(lives) {
        let first = input.clone();
        let mut steps = Vec::new();
        let mut schema = input;
        for (Planned { chain, label, op }, live) in ops.into_iter().zip(lives) {
            schema = op.schema(&schema, |name| live.contains(name));
            steps.push(PlanStep {
                chain,
                label,
                op,
                output: schema.clone(),
            });
        }
        input = staged_schema(&schema);
        planned.push(Segment { input: first, steps });
    }
    planned
}

/// The segments of all chains side by side: the first ones of each, the second ones, and so on.
fn merged(entry: Vec<Planned>, chains: Vec<CompiledChain>) -> Vec<Vec<Planned>> {
    let mut merged = vec![entry];
    for chain in chains {
        for (number, ops) in chain.segments.into_iter().enumerate() {
            if merged.len() == number {
                merged.push(Vec::new());
            }
            merged[number].extend(ops);
        }
    }
    merged
}

/// The columns that live after each operation, and those that are read of the source.
///
/// `ends` are the columns that each chain needs at its end. A column lives as long as one chain needs it. Each chain is
/// followed backwards on its own, past the operations of the others, which leave its rows alone.
pub(super) fn lives(
    segments: &[Vec<Planned>],
    ends: &[Vec<String>],
) -> (Vec<Vec<BTreeSet<String>>>, BTreeSet<String>) {
    let mut lives: Vec<Vec<BTreeSet<String>>> = segments
        .iter()
        .map(|ops| vec![BTreeSet::new(); ops.len()])
        .collect();
    let mut read = BTreeSet::new();
    for (number, end) in (0_u8..).zip(ends) {
        let mut live: BTreeSet<String> = end.iter().cloned().collect();
        live.extend(ALWAYS.map(str::to_owned));
        live.insert(BORN_COLUMN.to_owned());
        if ends.len() > 1 {
            live.insert(CHAIN_COLUMN.to_owned());
        }
        for (ops, lives) in segments.iter().zip(&mut lives).rev() {
            let is_own = |planned: &Planned| planned.chain.is_none_or(|chain| chain == number);
            // What the comparison and a later segment read, this one stages.
            if let Some(last) = ops.iter().rfind(|planned| is_own(planned)) {
                live.extend(last.op.staged());
            }
            live.extend(husk_fields().into_iter().map(|field| field.name().clone()));
            for (planned, after) in ops.iter().zip(lives).rev() {
                after.extend(live.iter().cloned());
                if !is_own(planned) {
                    continue;
                }
                let op = &planned.op;
                // Verdicts, once given, stay to the end.
                let outputs = match op {
                    Op::Sieve(_) => Vec::new(),
                    op => op.outputs(),
                };
                for output in outputs {
                    if !op.inputs().contains(&output.name().as_str())
                        && !ALWAYS.contains(&output.name().as_str())
                    {
                        live.remove(output.name());
                    }
                }
                live.extend(op.inputs().into_iter().map(str::to_owned));
            }
            // Document numbers are made by the shard node of the segment before.
            live.remove(DOCUMENT_COLUMN);
        }
        read.extend(live);
    }
    (lives, read)
}

fn input_names(columns: &'static [Column]) -> Vec<&'static str> {
    columns.iter().map(|column| column.name).collect()
}

/// Whether a column only carries work from one step to the next.
fn is_internal(registry: &Registry, name: &str) -> bool {
    let is_work = |signal: &dyn Signal| {
        signal
            .card()
            .outputs
            .iter()
            .any(|output| output.is_internal() && output.name == name)
    };
    let is_work_of = |extractor: &'static dyn Extractor| {
        let outputs = extractor.card().outputs.iter();
        outputs
            .filter(|output| output.name == name)
            .any(Column::is_internal)
    };
    name.starts_with("__")
        || registry.signal_of(name).is_some_and(is_work)
        || registry.extractors().any(is_work_of)
}

/// The columns of a segment's staged rows: all but the husks' own, and the document's number.
fn staged_schema(schema: &Schema) -> SchemaRef {
    let husk = husk_fields();
    let is_staged = |name: &String| name != BORN_COLUMN && husk.iter().all(|field| field.name() != name);
    let fields = schema.fields().iter().filter(|field| is_staged(field.name()));
    let number = Arc::new(Field::new(DOCUMENT_COLUMN, DataType::UInt64, true));
    Arc::new(Schema::new(fields.cloned().chain([number]).collect::<Vec<_>>()))
}

/// The schema of records: the record columns, and what the addresses carry along.
fn source_schema(recipe: &Recipe, problems: &mut Problems) -> SchemaRef {
    let carried: Vec<_> = recipe.read.iter().map(|entry| &entry.fields.carry).collect();
    for (entry, carry) in recipe.read.iter().zip(&carried) {
        if *carry != carried[0] {
            problems.add(
                &entry.place,
                "this address carries other columns than the first one",
                "give every entry of \"read\" the same `columns`",
            );
        }
    }
    let fields = recipe
        .read
        .first()
        .map(|entry| entry.fields.clone())
        .unwrap_or_default();
    ReadOptions {
        fields,
        ..ReadOptions::default()
    }
    .schema()
}
