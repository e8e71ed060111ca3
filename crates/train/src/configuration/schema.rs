//! Reading a JSON schema: what is allowed where, and in words.

use serde_json::{Map, Value};

use super::{Configuration, ConfigurationError};

/// A key of a configuration, for people to read.
#[derive(Clone, Debug, PartialEq)]
pub struct Key {
    /// Steps joined by dots.
    pub path: String,
    /// What values are allowed, in words.
    pub allowed: String,
    /// The default, as it is written in a file.
    pub default: String,
    /// What it means.
    pub about: String,
}

/// All keys of a configuration with these defaults, in the order of its fields.
pub fn keys<C: Configuration>(defaults: &C) -> Vec<Key> {
    let schema = Schema::of::<C>();
    let defaults = serde_json::to_value(defaults).unwrap_or(Value::Null);
    let mut keys = Vec::new();
    schema.list(schema.root(), &defaults, "", &mut keys);
    keys
}

/// The schema of a type, with its definitions.
pub(super) struct Schema {
    root: Value,
}

impl Schema {
    pub fn of<C: Configuration>() -> Schema {
        Schema { root: schemars::schema_for!(C).to_value() }
    }

    pub fn root(&self) -> &Value {
        &self.root
    }

    /// The schema behind a reference, and behind the `anyOf` of an optional value.
    pub fn resolve<'a>(&'a self, schema: &'a Value) -> &'a Value {
        let mut schema = schema;
        loop {
            if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
                schema = &self.root["$defs"][name];
            } else if let Some([only]) = schema["allOf"].as_array().map(Vec::as_slice) {
                schema = only;
            } else if let Some(choices) = schema["anyOf"].as_array()
                && choices.len() == 2
                && let Some(present) = choices.iter().find(|choice| choice["type"] != "null")
            {
                schema = present;
            } else {
                return schema;
            }
        }
    }

    fn is_optional(&self, schema: &Value) -> bool {
        let null = |choice: &Value| choice["type"] == "null";
        schema["anyOf"].as_array().is_some_and(|choices| choices.iter().any(null))
            || schema["type"].as_array().is_some_and(|types| types.iter().any(|name| name == "null"))
    }

    /// The variant of an enum that a value belongs to, and the schemas of all.
    fn variants<'a>(&'a self, schema: &'a Value) -> Option<&'a Vec<Value>> {
        schema["oneOf"].as_array()
    }

    /// The keys of an object by name, those of a tagged enum as its present value has them.
    pub fn properties<'a>(&'a self, schema: &'a Value, value: &Value) -> Option<&'a Map<String, Value>> {
        let schema = self.resolve(schema);
        match self.variants(schema) {
            Some(variants) => {
                let variant = variants.iter().find(|variant| self.is_variant(variant, value))?;
                self.resolve(variant)["properties"].as_object()
            }
            None => schema["properties"].as_object(),
        }
    }

    /// Whether a value is, by its tag or its only key, meant to be of this variant.
    fn is_variant(&self, variant: &Value, value: &Value) -> bool {
        let variant = self.resolve(variant);
        if let Some(word) = variant.get("const") {
            return word == value;
        }
        if let Some(words) = variant["enum"].as_array() {
            return words.contains(value);
        }
        let Some(properties) = variant["properties"].as_object() else { return false };
        match tag(variant) {
            Some((name, word)) => value.get(name) == Some(word),
            None => {
                value.as_object().is_some_and(|object| object.keys().any(|key| properties.contains_key(key)))
            }
        }
    }

    /// Whether `name` is the tag that decides the variant of an enum.
    pub fn is_tag(&self, schema: &Value, name: &str) -> bool {
        self.variants(self.resolve(schema)).is_some_and(|variants| {
            variants.iter().any(|variant| tag(self.resolve(variant)).is_some_and(|(tag, _)| tag == name))
        })
    }

    /// What is allowed, in words.
    pub fn allowed(&self, schema: &Value) -> String {
        let optional = if self.is_optional(schema) { " or nothing (null)" } else { "" };
        let schema = self.resolve(schema);
        if let Some(words) = self.words(schema) {
            return format!("one of {}{optional}", words.join(", "));
        }
        let kind = match type_of(schema) {
            "integer" => "a whole number",
            "number" => "a number",
            "boolean" => "true or false",
            "string" => "a text",
            "array" => "a list",
            "object" => "a table",
            _ => "a value",
        };
        let mut text = kind.to_owned();
        if schema["type"] == "array" {
            if let Some(items) = schema["items"].as_object() {
                let each = self.allowed(&Value::Object(items.clone()));
                text = format!("a list, each item {each}");
            }
            if let Some(count) = schema["minItems"].as_u64().filter(|count| schema["maxItems"] == *count) {
                text = format!("{text}, {count} of them");
            }
        }
        let number = |name: &str| schema[name].as_f64();
        text += &match (number("minimum"), number("maximum"), number("exclusiveMinimum")) {
            (Some(low), Some(high), _) => format!(" from {} to {}", plain(low), plain(high)),
            (Some(low), None, _) => format!(" of at least {}", plain(low)),
            (None, Some(high), Some(low)) => format!(" above {} and at most {}", plain(low), plain(high)),
            (None, Some(high), None) => format!(" of at most {}", plain(high)),
            (None, None, Some(low)) => format!(" above {}", plain(low)),
            (None, None, None) => String::new(),
        };
        text + optional
    }

    /// The words of an enum: variants without fields, or the tags of those with.
    fn words(&self, schema: &Value) -> Option<Vec<String>> {
        let word = |value: &Value| value.as_str().map(str::to_owned);
        if let Some(words) = schema["enum"].as_array() {
            return words.iter().map(word).collect();
        }
        let variants = self.variants(schema)?;
        let mut all = Vec::new();
        for variant in variants {
            let variant = self.resolve(variant);
            if let Some(words) = self.words(variant) {
                all.extend(words);
            } else if let Some(name) = variant.get("const").and_then(word) {
                all.push(name);
            } else if let Some((name, value)) = tag(variant) {
                all.push(format!("{{{name} = {value}, …}}"));
            } else {
                let key = variant["properties"].as_object()?.keys().next()?;
                all.push(format!("{{{key} = …}}"));
            }
        }
        Some(all)
    }

    /// Checks a value and everything in it. Whole numbers that were written like `1e5` become whole numbers.
    pub fn check(
        &self,
        schema: &Value,
        value: &mut Value,
        key: &str,
        origin: &str,
    ) -> Result<(), ConfigurationError> {
        if value.is_null() && self.is_optional(schema) {
            return Ok(());
        }
        let wrong = |value: &Value| ConfigurationError::Value {
            origin: origin.to_owned(),
            key: key.to_owned(),
            expected: self.allowed(schema),
            found: value.to_string(),
        };
        let resolved = self.resolve(schema);
        if let Some(variants) = self.variants(resolved) {
            let Some(variant) = variants.iter().find(|variant| self.is_variant(variant, value)) else {
                return Err(wrong(value));
            };
            return match value {
                Value::Object(_) => self.check_object(self.resolve(variant), value, key, origin),
                _ => Ok(()),
            };
        }
        if let Some(words) = resolved["enum"].as_array() {
            return if words.contains(value) { Ok(()) } else { Err(wrong(value)) };
        }
        if let Some(word) = resolved.get("const") {
            return if word == value { Ok(()) } else { Err(wrong(value)) };
        }
        match type_of(resolved) {
            "integer" => {
                let whole = value.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15);
                if let (Some(number), false) = (whole, value.is_u64() || value.is_i64()) {
                    *value = Value::from(number as i64);
                }
                if !(value.is_u64() || value.is_i64()) || !in_range(resolved, value) {
                    return Err(wrong(value));
                }
            }
            "number" if !value.is_number() || !in_range(resolved, value) => return Err(wrong(value)),
            "boolean" if !value.is_boolean() => return Err(wrong(value)),
            "string" if !value.is_string() => return Err(wrong(value)),
            "array" => {
                let shown = value.clone();
                let Value::Array(items) = value else { return Err(wrong(&shown)) };
                let count = items.len() as u64;
                let (least, most) = (resolved["minItems"].as_u64(), resolved["maxItems"].as_u64());
                if least.is_some_and(|least| count < least) || most.is_some_and(|most| count > most) {
                    return Err(wrong(&shown));
                }
                for (index, item) in items.iter_mut().enumerate() {
                    let schema = resolved["prefixItems"].get(index).unwrap_or(&resolved["items"]);
                    self.check(schema, item, &format!("{key}.{index}"), origin)?;
                }
            }
            "object" => self.check_object(resolved, value, key, origin)?,
            _ => {}
        }
        Ok(())
    }

    fn check_object(
        &self,
        schema: &Value,
        value: &mut Value,
        key: &str,
        origin: &str,
    ) -> Result<(), ConfigurationError> {
        let Value::Object(object) = value else {
            return Err(ConfigurationError::Value {
                origin: origin.to_owned(),
                key: key.to_owned(),
                expected: "a table".to_owned(),
                found: value.to_string(),
            });
        };
        let Some(properties) = schema["properties"].as_object() else { return Ok(()) };
        for (name, value) in object {
            let key = join(key, name);
            match properties.get(name) {
                Some(schema) => self.check(schema, value, &key, origin)?,
                None => return Err(unknown(origin, &key, name, properties)),
            }
        }
        Ok(())
    }

    fn list(&self, schema: &Value, value: &Value, path: &str, keys: &mut Vec<Key>) {
        let about = schema["description"].as_str().unwrap_or_default();
        if !path.is_empty() && value.is_null()
            || !value.is_object()
            || self.properties(schema, value).is_none()
        {
            keys.push(Key {
                path: path.to_owned(),
                allowed: self.allowed(schema),
                default: written(value),
                about: about.split_whitespace().collect::<Vec<_>>().join(" "),
            });
            return;
        }
        let Some(properties) = self.properties(schema, value) else { return };
        for (name, schema) in properties {
            self.list(schema, value.get(name).unwrap_or(&Value::Null), &join(path, name), keys);
        }
    }
}

/// The tag of a variant and its word.
fn tag(variant: &Value) -> Option<(&str, &Value)> {
    variant["properties"]
        .as_object()?
        .iter()
        .find_map(|(name, schema)| schema.get("const").map(|word| (name.as_str(), word)))
}

/// The type, that of an optional value without the null.
fn type_of(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(types) => {
            types.iter().filter_map(Value::as_str).find(|name| *name != "null").unwrap_or("")
        }
        one => one.as_str().unwrap_or(""),
    }
}

fn in_range(schema: &Value, value: &Value) -> bool {
    let Some(value) = value.as_f64().filter(|value| value.is_finite()) else { return false };
    let bound = |name: &str| schema[name].as_f64();
    bound("minimum").is_none_or(|low| value >= low)
        && bound("maximum").is_none_or(|high| value <= high)
        && bound("exclusiveMinimum").is_none_or(|low| value > low)
        && bound("exclusiveMaximum").is_none_or(|high| value < high)
}

fn plain(number: f64) -> String {
    if number.abs() >= 1e7 { format!("{number:e}") } else { number.to_string() }
}

/// A value as it is written in a file or an assignment.
fn written(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Number(number) => match number.as_f64() {
            Some(small) if small != 0.0 && small.abs() < 1e-3 => format!("{small:e}"),
            _ => number.to_string(),
        },
        Value::Array(items) => format!("[{}]", items.iter().map(written).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// The error for a key that is not there.
pub(super) fn unknown(
    origin: &str,
    key: &str,
    name: &str,
    properties: &Map<String, Value>,
) -> ConfigurationError {
    let prefix = key.strip_suffix(name).unwrap_or_default();
    let known: Vec<String> = properties.keys().map(|known| format!("{prefix}{known}")).collect();
    let nearest = properties
        .keys()
        .map(|known| (strsim::damerau_levenshtein(known, name), known))
        .filter(|(distance, known)| *distance <= known.len().max(name.len()) / 2)
        .min()
        .map(|(_, known)| format!("{prefix}{known}"));
    ConfigurationError::UnknownKey { origin: origin.to_owned(), key: key.to_owned(), nearest, known }
}
