//! Content streams to glyphs on a page.
//!
//! Text is drawn by pages, the forms they draw, and the appearances of annotations such as form fields. Invisible
//! text counts: it is what character recognition puts below scanned pages. Layers that are off by default do not, nor
//! does what lies outside of the page.

use std::{
    collections::{HashMap, HashSet},
    rc::Rc,
};

use gristmill_core::Fault;
use hayro_syntax::{
    object::{Array, Dict, Name, ObjRef, Object, Rect, Stream},
    page::{Page, Resources, Rotation},
};

use super::{
    budget::Budget,
    encoding::text_string,
    filter,
    font::Font,
    glyphs::{Glyphs, Style},
    lexer::{Lexer, Operand},
};

/// The deepest nesting of forms.
const FORMS_DEEP: usize = 16;
/// The most saved graphics states; real pages stay below 30.
const STATES: usize = 1024;
/// The most annotations of a page that are drawn.
const ANNOTATIONS: usize = 10_000;
/// Operators that a form or font costs besides its own.
const COST_OF_OBJECT: usize = 1000;

/// What the pages of a document share.
pub(super) struct Shared {
    /// Fonts by where their dictionaries stand in memory, which does not move.
    fonts: HashMap<usize, Rc<Font>>,
    /// Layers that are off.
    hidden: HashSet<ObjRef>,
    /// Forms that hold no text, like the symbols of maps, which are drawn over and over.
    textless: HashSet<usize>,
    pub(super) budget: Budget,
}

impl Shared {
    pub(super) fn new(catalog: &Dict<'_>, budget: Budget) -> Self {
        let mut hidden = HashSet::new();
        if let Some(layers) = catalog.get::<Dict<'_>>("OCProperties") {
            let default = layers.get::<Dict<'_>>("D").unwrap_or_default();
            let references = |dict: &Dict<'_>, key: &str| -> Vec<ObjRef> {
                let array = dict.get::<Array<'_>>(key);
                let items = array.iter().flat_map(Array::raw_iter);
                items.filter_map(|item| item.as_obj_ref()).collect()
            };
            if default.get::<Name<'_>>("BaseState").as_deref() == Some(b"OFF") {
                hidden.extend(references(&layers, "OCGs"));
                for reference in references(&default, "ON") {
                    hidden.remove(&reference);
                }
            }
            hidden.extend(references(&default, "OFF"));
        }
        Shared {
            fonts: HashMap::new(),
            hidden,
            textless: HashSet::new(),
            budget,
        }
    }

    fn font(&mut self, dict: &Dict<'_>) -> Result<Rc<Font>, Fault> {
        let key = dict.data().as_ptr() as usize;
        if let Some(font) = self.fonts.get(&key) {
            return Ok(font.clone());
        }
        (0..COST_OF_OBJECT).try_for_each(|_| self.budget.take_operator())?;
        let font = Rc::new(Font::read(dict, &mut self.budget)?);
        self.fonts.insert(key, font.clone());
        Ok(font)
    }
}

/// `[a b c d e f]` as in the format: `x' = ax + cy + e`, `y' = bx + dy + f`.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Matrix([f64; 6]);

impl Matrix {
    const IDENTITY: Matrix = Matrix([1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);

    /// First `self`, then `other`.
    fn then(&self, other: &Matrix) -> Matrix {
        let ([a, b, c, d, e, f], o) = (self.0, other.0);
        Matrix([
            a * o[0] + b * o[2],
            a * o[1] + b * o[3],
            c * o[0] + d * o[2],
            c * o[1] + d * o[3],
            e * o[0] + f * o[2] + o[4],
            e * o[1] + f * o[3] + o[5],
        ])
    }

    fn apply(&self, x: f64, y: f64) -> (f64, f64) {
        let [a, b, c, d, e, f] = self.0;
        (a * x + c * y + e, b * x + d * y + f)
    }
}

#[derive(Clone)]
struct State {
    ctm: Matrix,
    font: Option<Rc<Font>>,
    size: f64,
    character_spacing: f64,
    word_spacing: f64,
    /// Horizontal scaling, 1 for 100 %.
    scaling: f64,
    leading: f64,
    rise: f64,
}

/// A marked-content section that is open.
enum Marked {
    Plain,
    Hidden,
    /// Its text stands in for its glyphs, and goes to the first of them.
    Replaced(Option<String>),
}

/// Draws a page.
///
/// # Errors
/// A `limit` where it exceeds the budget.
pub(super) fn draw(page: &Page<'_>, shared: &mut Shared) -> Result<Glyphs, Fault> {
    let (matrix, width, height) = placement(page);
    let mut painter = Painter {
        glyphs: Glyphs::new(width, height),
        fonts: HashMap::new(),
        marked: Vec::new(),
        active: Vec::new(),
        strings: 0,
        shared,
    };
    let state = State {
        ctm: matrix,
        font: None,
        size: 0.0,
        character_spacing: 0.0,
        word_spacing: 0.0,
        scaling: 1.0,
        leading: 0.0,
        rise: 0.0,
    };
    let content = contents(page, &mut painter.shared.budget)?;
    painter.run(&content, page.resources(), state.clone())?;
    painter.annotations(page, &state)?;
    Ok(painter.glyphs)
}

/// The content streams of a page, one after the other.
fn contents(page: &Page<'_>, budget: &mut Budget) -> Result<Vec<u8>, Fault> {
    let mut content = Vec::new();
    match page.raw().get::<Object<'_>>("Contents") {
        Some(Object::Stream(stream)) => content = filter::decode(&stream, budget)?,
        Some(Object::Array(streams)) => {
            for stream in streams.iter::<Object<'_>>().filter_map(Object::into_stream) {
                content.extend(filter::decode(&stream, budget)?);
                content.push(b'\n');
                if content.len() > budget.longest {
                    return Err(Fault::limit(format!(
                        "content of a page exceeds {} bytes",
                        budget.longest
                    )));
                }
            }
        }
        _ => {}
    }
    Ok(content)
}

/// From the coordinates of a page to those of its reader, y up, with width and height.
fn placement(page: &Page<'_>) -> (Matrix, f64, f64) {
    let mut crop = page.intersected_crop_box();
    if crop.width() < 1.0 || crop.height() < 1.0 {
        crop = page.media_box();
    }
    if crop.width() < 1.0 || crop.height() < 1.0 {
        crop = hayro_syntax::page::A4;
    }
    let (width, height) = (crop.width(), crop.height());
    let shift = Matrix([1.0, 0.0, 0.0, 1.0, -crop.x0, -crop.y0]);
    let (turn, width, height) = match page.rotation() {
        Rotation::None => (Matrix::IDENTITY, width, height),
        Rotation::Horizontal => (Matrix([0.0, -1.0, 1.0, 0.0, 0.0, width]), height, width),
        Rotation::Flipped => (Matrix([-1.0, 0.0, 0.0, -1.0, width, height]), width, height),
        Rotation::FlippedHorizontal => (Matrix([0.0, 1.0, -1.0, 0.0, height, 0.0]), height, width),
    };
    (shift.then(&turn), width, height)
}

struct Painter<'s> {
    glyphs: Glyphs,
    /// Fonts by resources and name: looking a name up reads its dictionary anew.
    fonts: HashMap<(usize, Vec<u8>), Option<Rc<Font>>>,
    marked: Vec<Marked>,
    /// The forms that are being drawn.
    active: Vec<usize>,
    /// How many strings were shown, seen or not.
    strings: usize,
    shared: &'s mut Shared,
}

impl Painter<'_> {
    fn run(&mut self, content: &[u8], resources: &Resources<'_>, state: State) -> Result<(), Fault> {
        let mut lexer = Lexer::new(content);
        let mut state = state;
        let mut saved: Vec<State> = Vec::new();
        let (mut line, mut text) = (Matrix::IDENTITY, Matrix::IDENTITY);
        let marked = self.marked.len();
        while let Some(operator) = lexer.operator() {
            self.shared.budget.take_operator()?;
            match operator {
                b"q" if saved.len() < STATES => saved.push(state.clone()),
                b"Q" => {
                    if let Some(before) = saved.pop() {
                        state = before;
                    }
                }
                b"cm" => {
                    if let Some(matrix) = lexer.numbers::<6>() {
                        state.ctm = Matrix(matrix).then(&state.ctm);
                    }
                }
                b"BT" => (line, text) = (Matrix::IDENTITY, Matrix::IDENTITY),
                b"Tf" => {
                    if let (Some(name), Some([size])) = (lexer.name(), lexer.numbers()) {
                        state.font = self.font(&name, resources)?;
                        state.size = size;
                    }
                }
                b"Tc" => set(&lexer, |[value]| state.character_spacing = value),
                b"Tw" => set(&lexer, |[value]| state.word_spacing = value),
                b"Tz" => set(&lexer, |[value]| state.scaling = value / 100.0),
                b"TL" => set(&lexer, |[value]| state.leading = value),
                b"Ts" => set(&lexer, |[value]| state.rise = value),
                b"Tm" => set(&lexer, |matrix| (line, text) = (Matrix(matrix), Matrix(matrix))),
                b"Td" => set(&lexer, |[x, y]| move_line(&mut line, &mut text, x, y)),
                b"TD" => set(&lexer, |[x, y]| {
                    state.leading = -y;
                    move_line(&mut line, &mut text, x, y);
                }),
                b"T*" => move_line(&mut line, &mut text, 0.0, -state.leading),
                b"Tj" | b"TJ" => self.show(&lexer, &state, &mut text)?,
                b"'" => {
                    move_line(&mut line, &mut text, 0.0, -state.leading);
                    self.show(&lexer, &state, &mut text)?;
                }
                b"\"" => {
                    if let [Operand::Number(word), Operand::Number(character), ..] = lexer.operands[..] {
                        (state.word_spacing, state.character_spacing) = (word, character);
                    }
                    move_line(&mut line, &mut text, 0.0, -state.leading);
                    // The spacings are no kerning.
                    lexer.operands.drain(..lexer.operands.len().saturating_sub(1));
                    self.show(&lexer, &state, &mut text)?;
                }
                b"Do" => {
                    if let Some(form) = lexer
                        .name()
                        .and_then(|name| resources.x_objects.get::<Stream<'_>>(&*name))
                    {
                        self.form(&form, resources, &state)?;
                    }
                }
                b"BMC" => self.marked.push(Marked::Plain),
                b"BDC" => {
                    let section = self.section(&lexer, resources);
                    if let Marked::Replaced(Some(text)) = &section {
                        self.shared.budget.take_stream(text.len())?;
                    }
                    self.marked.push(section);
                }
                b"EMC" if self.marked.len() > marked => drop(self.marked.pop()),
                _ => {}
            }
            if self.marked.len() > STATES {
                self.marked.truncate(marked);
            }
        }
        self.marked.truncate(marked);
        Ok(())
    }

    fn font(&mut self, name: &[u8], resources: &Resources<'_>) -> Result<Option<Rc<Font>>, Fault> {
        let key = (resources.fonts.data().as_ptr() as usize, name.to_vec());
        if let Some(font) = self.fonts.get(&key) {
            return Ok(font.clone());
        }
        let font = match resources.fonts.get::<Dict<'_>>(name) {
            Some(dict) => Some(self.shared.font(&dict)?),
            None => None,
        };
        self.fonts.insert(key, font.clone());
        Ok(font)
    }

    /// What `/Tag <<…>> BDC` and `/Tag /Name BDC` open.
    fn section(&self, lexer: &Lexer<'_>, resources: &Resources<'_>) -> Marked {
        if let [Operand::Name(tag), .., Operand::Name(name)] = lexer.operands[..] {
            if tag == b"OC" && self.is_hidden(&resources.properties, name) {
                return Marked::Hidden;
            }
            let properties = resources.properties.get::<Dict<'_>>(name).unwrap_or_default();
            let text = properties.get::<hayro_syntax::object::String<'_>>("ActualText");
            return text.map_or(Marked::Plain, |text| {
                Marked::Replaced(Some(text_string(text.as_bytes())))
            });
        }
        let text = lexer.operands.windows(2).find_map(|pair| match pair {
            [Operand::Name(b"ActualText"), Operand::Text(range)] => Some(&lexer.strings[range.clone()]),
            _ => None,
        });
        text.map_or(Marked::Plain, |text| Marked::Replaced(Some(text_string(text))))
    }

    /// Whether the layer under `key` is off: a group, or all groups of a membership.
    fn is_hidden(&self, dict: &Dict<'_>, key: &[u8]) -> bool {
        if self.shared.hidden.is_empty() {
            return false;
        }
        let is_off = |reference: Option<ObjRef>| {
            reference.is_some_and(|reference| self.shared.hidden.contains(&reference))
        };
        if is_off(dict.get_ref(key)) {
            return true;
        }
        let Some(member) = dict.get::<Dict<'_>>(key) else {
            return false;
        };
        if is_off(member.get_ref("OCGs")) {
            return true;
        }
        let groups = member.get::<Array<'_>>("OCGs");
        groups.is_some_and(|groups| {
            let mut groups = groups.raw_iter().peekable();
            groups.peek().is_some() && groups.all(|group| is_off(group.as_obj_ref()))
        })
    }

    fn form(&mut self, form: &Stream<'_>, resources: &Resources<'_>, state: &State) -> Result<(), Fault> {
        let dict = form.dict();
        let key = dict.data().as_ptr() as usize;
        if self.shared.textless.contains(&key) {
            return Ok(());
        }
        let is_form = dict.get::<Name<'_>>("Subtype").as_deref() == Some(b"Form");
        if !is_form
            || self.active.len() >= FORMS_DEEP
            || self.active.contains(&key)
            || self.is_hidden(dict, b"OC")
        {
            return Ok(());
        }
        (0..COST_OF_OBJECT).try_for_each(|_| self.shared.budget.take_operator())?;
        let mut state = state.clone();
        if let Some(matrix) = dict.get::<[f64; 6]>("Matrix") {
            state.ctm = Matrix(matrix).then(&state.ctm);
        }
        let content = filter::decode(form, &mut self.shared.budget)?;
        self.active.push(key);
        let strings = self.strings;
        let done = match dict.get::<Dict<'_>>("Resources") {
            Some(own) => self.run(&content, &Resources::new(own), state),
            None => self.run(&content, resources, state),
        };
        self.active.pop();
        if self.strings == strings {
            self.shared.textless.insert(key);
        }
        done
    }

    /// Draws the normal appearances of annotations, each moved into its rectangle.
    fn annotations(&mut self, page: &Page<'_>, state: &State) -> Result<(), Fault> {
        const HIDDEN: i32 = 2;
        const NO_VIEW: i32 = 32;
        let Some(annotations) = page.raw().get::<Array<'_>>("Annots") else {
            return Ok(());
        };
        for annotation in annotations
            .iter::<Object<'_>>()
            .take(ANNOTATIONS)
            .filter_map(Object::into_dict)
        {
            self.shared.budget.take_operator()?;
            let is_off = annotation.get::<i32>("F").unwrap_or(0) & (HIDDEN | NO_VIEW) != 0;
            let is_popup = annotation.get::<Name<'_>>("Subtype").as_deref() == Some(b"Popup");
            if is_off || is_popup || self.is_hidden(&annotation, b"OC") {
                continue;
            }
            let Some(looks) = annotation.get::<Dict<'_>>("AP") else {
                continue;
            };
            let look = match looks.get::<Object<'_>>("N") {
                Some(Object::Stream(look)) => Some(look),
                Some(Object::Dict(states)) => annotation
                    .get::<Name<'_>>("AS")
                    .and_then(|name| states.get::<Stream<'_>>(&*name)),
                _ => None,
            };
            let (Some(look), Some(place)) = (look, annotation.get::<Rect>("Rect")) else {
                continue;
            };
            let matrix = look
                .dict()
                .get::<[f64; 6]>("Matrix")
                .map_or(Matrix::IDENTITY, Matrix);
            let bounds = look.dict().get::<Rect>("BBox").unwrap_or(place);
            let mut state = state.clone();
            state.ctm = fit(&matrix, &bounds, &place).then(&state.ctm);
            self.form(&look, page.resources(), &state)?;
        }
        Ok(())
    }

    fn show(&mut self, lexer: &Lexer<'_>, state: &State, text: &mut Matrix) -> Result<(), Fault> {
        self.strings += 1;
        let Some(font) = &state.font else { return Ok(()) };
        let matrix = text.then(&state.ctm);
        let [a, b, c, d, ..] = matrix.0;
        let is_hidden = self
            .marked
            .iter()
            .any(|section| matches!(section, Marked::Hidden));
        let size = (state.size * (c * c + d * d).sqrt() * font.em).abs();
        let along = if font.is_vertical { (-c, -d) } else { (a, b) };
        let sign = if state.size * state.scaling < 0.0 && !font.is_vertical {
            -1.0
        } else {
            1.0
        };
        let style = Style::new((along.0 * sign, along.1 * sign), size, font.is_fixed);
        let unit = if font.is_vertical {
            (c * c + d * d).sqrt() * state.size
        } else {
            (a * a + b * b).sqrt() * state.size * state.scaling
        }
        .abs();
        let mut pen = 0.0;
        for operand in &lexer.operands {
            match operand {
                Operand::Number(kern) => {
                    pen -= kern / 1000.0 * state.size * if font.is_vertical { 1.0 } else { state.scaling }
                }
                Operand::Text(range) => {
                    let (glyphs, marked) = (&mut self.glyphs, &mut self.marked);
                    font.show(&lexer.strings[range.clone()], |characters, width, is_space| {
                        let spacing =
                            state.character_spacing + if is_space { state.word_spacing } else { 0.0 };
                        let replaced = marked.iter_mut().find_map(|section| match section {
                            Marked::Replaced(text) => Some(text),
                            _ => None,
                        });
                        let own;
                        let characters = match replaced {
                            Some(text) => {
                                own = text.take().unwrap_or_default();
                                own.as_str()
                            }
                            None => characters,
                        };
                        let (x, y) = if font.is_vertical {
                            matrix.apply(0.0, -pen)
                        } else {
                            matrix.apply(pen, state.rise)
                        };
                        let width = if font.is_vertical { 1.0 } else { width };
                        if !is_hidden {
                            glyphs.push(characters, x, y, width * unit, &style);
                        }
                        let scaling = if font.is_vertical { 1.0 } else { state.scaling };
                        pen += (width * state.size + spacing) * scaling;
                    });
                }
                _ => {}
            }
        }
        *text = if font.is_vertical {
            Matrix([1.0, 0.0, 0.0, 1.0, 0.0, -pen]).then(text)
        } else {
            Matrix([1.0, 0.0, 0.0, 1.0, pen, 0.0]).then(text)
        };
        self.shared
            .budget
            .check_glyphs(self.glyphs.len(), self.glyphs.text.len())
    }
}

fn set<const N: usize>(lexer: &Lexer<'_>, mut set: impl FnMut([f64; N])) {
    if let Some(numbers) = lexer.numbers() {
        set(numbers);
    }
}

fn move_line(line: &mut Matrix, text: &mut Matrix, x: f64, y: f64) {
    *line = Matrix([1.0, 0.0, 0.0, 1.0, x, y]).then(line);
    *text = *line;
}

/// Moves and scales `bounds`, as `matrix` places them, onto `place`.
fn fit(matrix: &Matrix, bounds: &Rect, place: &Rect) -> Matrix {
    let corners = [
        matrix.apply(bounds.x0, bounds.y0),
        matrix.apply(bounds.x1, bounds.y0),
        matrix.apply(bounds.x0, bounds.y1),
        matrix.apply(bounds.x1, bounds.y1),
    ];
    let least = |value: fn(&(f64, f64)) -> f64| corners.iter().map(value).fold(f64::INFINITY, f64::min);
    let most = |value: fn(&(f64, f64)) -> f64| corners.iter().map(value).fold(f64::NEG_INFINITY, f64::max);
    let (x0, y0, x1, y1) = (least(|c| c.0), least(|c| c.1), most(|c| c.0), most(|c| c.1));
    let ratio = |to: f64, from: f64| if from.abs() > 1e-6 { to / from } else { 1.0 };
    let (x, y) = (ratio(place.width(), x1 - x0), ratio(place.height(), y1 - y0));
    Matrix([x, 0.0, 0.0, y, place.x0 - x0 * x, place.y0 - y0 * y])
}
