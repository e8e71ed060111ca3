//! Putting a configuration together: each layer over the ones before.

use std::fs;
use std::marker::PhantomData;
use std::path::Path;

use serde_json::Value;

use super::schema::{Schema, join, unknown};
use super::{Configuration, ConfigurationError};

/// A configuration in the making. Later layers win.
pub struct Layers<C> {
    schema: Schema,
    value: Value,
    made: PhantomData<C>,
}

impl<C: Configuration> Layers<C> {
    /// Begins with these values.
    ///
    /// # Panics
    /// If they cannot be written as JSON, as with a map whose keys are not texts.
    #[track_caller]
    pub fn new(defaults: &C) -> Layers<C> {
        let value = serde_json::to_value(defaults).expect("a configuration can be written as JSON");
        Layers { schema: Schema::of::<C>(), value, made: PhantomData }
    }

    /// Takes over what a TOML file says.
    ///
    /// # Errors
    /// [`ConfigurationError`] for a file that is not there or not TOML, a key that does not exist, a value that is not
    /// allowed.
    pub fn file(&mut self, file: &Path) -> Result<(), ConfigurationError> {
        let text = fs::read_to_string(file)
            .map_err(|reason| ConfigurationError::Read { file: file.to_path_buf(), reason })?;
        let broken = |reason: String| ConfigurationError::Toml {
            file: file.to_path_buf(),
            reason: reason.split_whitespace().collect::<Vec<_>>().join(" "),
        };
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| broken(error.to_string()))?;
        let given = serde_json::to_value(table).map_err(|error| broken(error.to_string()))?;
        self.merge(given, &file.display().to_string())
    }

    /// Takes over the assignments of an environment variable, separated by semicolons.
    ///
    /// # Errors
    /// As [`assign`](Layers::assign).
    pub fn environment(&mut self, variable: &str) -> Result<(), ConfigurationError> {
        let Some(text) = std::env::var_os(variable) else { return Ok(()) };
        for assignment in text.to_string_lossy().split(';').filter(|part| !part.trim().is_empty()) {
            self.assign(assignment, variable)?;
        }
        Ok(())
    }

    /// Takes over one assignment, `key=value`; the value as in TOML, a text also without quotes. `origin` is where it
    /// stands, for messages.
    ///
    /// # Errors
    /// [`ConfigurationError`] for a key that does not exist or a value that is not allowed.
    pub fn assign(&mut self, assignment: &str, origin: &str) -> Result<(), ConfigurationError> {
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(ConfigurationError::Assignment {
                origin: origin.to_owned(),
                found: assignment.to_owned(),
            });
        };
        let (key, text) = (key.trim(), text.trim());
        let mut given = parse(text);
        for step in key.rsplit('.') {
            given = Value::Object([(step.to_owned(), given)].into_iter().collect());
        }
        let before = self.value.clone();
        self.merge(given, origin).or_else(|error| {
            // `name=123` where a text is wanted.
            let mut given = Value::from(text);
            for step in key.rsplit('.') {
                given = Value::Object([(step.to_owned(), given)].into_iter().collect());
            }
            self.value = before;
            self.merge(given, origin).map_err(|_| error)
        })
    }

    /// Takes over a tree of values, such as the configuration of an earlier run.
    ///
    /// # Errors
    /// As [`assign`](Layers::assign).
    pub fn merge(&mut self, given: Value, origin: &str) -> Result<(), ConfigurationError> {
        let mut value = std::mem::take(&mut self.value);
        let merged = self.lay(self.schema.root(), &mut value, given, "", origin);
        self.value = value;
        merged
    }

    /// The values so far.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The configuration.
    ///
    /// # Errors
    /// [`ConfigurationError::Whole`] where the values do not make one.
    pub fn finish(&self) -> Result<C, ConfigurationError> {
        serde_json::from_value(self.value.clone())
            .map_err(|error| ConfigurationError::Whole(error.to_string()))
    }

    /// Lays `given` over `value`.
    fn lay(
        &self,
        schema: &Value,
        value: &mut Value,
        given: Value,
        path: &str,
        origin: &str,
    ) -> Result<(), ConfigurationError> {
        let Value::Object(given) = given else {
            let mut given = given;
            self.schema.check(schema, &mut given, path, origin)?;
            *value = given;
            return Ok(());
        };
        // Another variant of an enum: what the one before had is not kept.
        let retagged = given.iter().any(|(name, word)| {
            self.schema.is_tag(schema, name) && value.get(name).is_some_and(|before| before != word)
        });
        if retagged || !value.is_object() || self.schema.properties(schema, value).is_none() {
            let mut whole = Value::Object(given);
            self.schema.check(schema, &mut whole, path, origin)?;
            *value = whole;
            return Ok(());
        }
        for (name, given) in given {
            let key = join(path, &name);
            let properties = self.schema.properties(schema, value);
            let Some(properties) = properties else { continue };
            let Some(schema) = properties.get(&name) else {
                return Err(unknown(origin, &key, &name, properties));
            };
            self.lay(schema, &mut value[&name], given, &key, origin)?;
        }
        Ok(())
    }
}

/// A value as in TOML; what is not one is a text.
fn parse(text: &str) -> Value {
    if matches!(text, "none" | "null") {
        return Value::Null;
    }
    let parsed = format!("value = {text}").parse::<toml::Table>().ok();
    parsed
        .filter(|table| table.len() == 1)
        .and_then(|mut table| serde_json::to_value(table.remove("value")?).ok())
        .unwrap_or_else(|| Value::from(text))
}
