//! Running text as windows of characters.

mod vocabulary;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use crate::{DataError, Dataset, EpochRandomness, Fingerprint};

pub use vocabulary::Vocabulary;

/// A text as a data set for a model that predicts the next character. Item `i` is the window of `length` tokens that
/// begins at token `i * stride`; its targets are the tokens one further on.
///
/// Parts share the text.
///
/// # Examples
/// ```
/// use bolete_data::{CharacterText, Dataset, EpochRandomness, Vocabulary};
/// let text = CharacterText::new("abcabca", &Vocabulary::of_characters("abc"), 3)?;
/// let batch = text.batch(&[0, 3], &EpochRandomness::new(0, 0))?;
/// assert_eq!((batch.inputs, batch.targets), (vec![0, 1, 2, 0, 1, 2], vec![1, 2, 0, 1, 2, 0]));
/// # Ok::<(), bolete_data::DataError>(())
/// ```
#[derive(Clone, Debug)]
pub struct CharacterText {
    tokens: Arc<Vec<u32>>,
    begin: usize,
    end: usize,
    vocabulary: Arc<Vocabulary>,
    length: usize,
    stride: usize,
}

/// The parts of a text.
#[derive(Clone, Debug)]
pub struct TextSplit {
    /// The first part, which a model learns from.
    pub train: CharacterText,
    /// The rest, which it is measured on.
    pub validation: CharacterText,
}

/// Windows of tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBatch {
    /// `[batch, length]`, row-major.
    pub inputs: Vec<i64>,
    /// The token after each of the inputs; `[batch, length]`, row-major.
    pub targets: Vec<i64>,
    /// Number of windows.
    pub batch: usize,
    /// Tokens per window.
    pub length: usize,
}

impl CharacterText {
    /// The windows of `length` tokens of `text`, one for each token that a window can begin at.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `length` is 0 or the text has a character that is not in the vocabulary.
    pub fn new(text: &str, vocabulary: &Vocabulary, length: usize) -> Result<Self, DataError> {
        if length == 0 {
            return Err(DataError::invalid("windows of at least 1 token", "0"));
        }
        let tokens = vocabulary.encode(text)?;
        let (end, vocabulary) = (tokens.len(), Arc::new(vocabulary.clone()));
        Ok(Self { tokens: Arc::new(tokens), begin: 0, end, vocabulary, length, stride: 1 })
    }

    /// The windows of a file in UTF-8, with the vocabulary of its characters in the order of their code points.
    ///
    /// # Errors
    /// [`DataError::Folder`] when the file cannot be read; [`DataError::Unfit`] when it is not UTF-8, or too short for
    /// a window; [`DataError::Invalid`] when `length` is 0.
    pub fn load(path: impl AsRef<Path>, length: usize) -> Result<Self, DataError> {
        let path = path.as_ref();
        let bytes = fs::read(path).map_err(|reason| DataError::folder(path, reason))?;
        let unfit = |expected: String, found: String| DataError::Unfit {
            path: path.to_path_buf(),
            expected,
            found,
            advice: "use a longer text in UTF-8",
        };
        let text = String::from_utf8(bytes).map_err(|error| {
            let position = error.utf8_error().valid_up_to();
            unfit("text in UTF-8".into(), format!("other bytes at position {position}"))
        })?;
        let text = Self::new(&text, &Vocabulary::of_characters(&text), length)?;
        if text.is_empty() {
            return Err(unfit(format!("more than {length} characters"), text.tokens.len().to_string()));
        }
        Ok(text)
    }

    /// The same text with windows that begin `stride` tokens apart; with a stride of the length they do not overlap,
    /// as one wants them to measure a model.
    ///
    /// # Panics
    /// If `stride` is 0.
    #[track_caller]
    pub fn with_stride(self, stride: usize) -> Self {
        assert!(stride > 0, "expected a stride of at least 1 token, found 0");
        Self { stride, ..self }
    }

    /// Cuts the text: the first `1 - validation` of its tokens (rounded down) are for training, the rest for
    /// validation. No window reaches over the cut. 0.1 is customary.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when `validation` is not between 0 and 1.
    pub fn split(&self, validation: f64) -> Result<TextSplit, DataError> {
        if !(0.0..=1.0).contains(&validation) {
            return Err(DataError::invalid("a share between 0 and 1", validation.to_string()));
        }
        let tokens = self.end - self.begin;
        let cut = self.begin + ((tokens as f64 * (1.0 - validation)) as usize).min(tokens);
        Ok(TextSplit {
            train: Self { end: cut, ..self.clone() },
            validation: Self { begin: cut, ..self.clone() },
        })
    }

    /// The vocabulary.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// The tokens of this part.
    pub fn tokens(&self) -> &[u32] {
        &self.tokens[self.begin..self.end]
    }

    /// Tokens per window.
    pub fn length(&self) -> usize {
        self.length
    }
}

impl Dataset for CharacterText {
    type Batch = TokenBatch;

    fn len(&self) -> usize {
        // A window needs one token more, the last target.
        match (self.end - self.begin).checked_sub(self.length + 1) {
            Some(last) => last / self.stride + 1,
            None => 0,
        }
    }

    fn batch(&self, indices: &[usize], _randomness: &EpochRandomness) -> Result<TokenBatch, DataError> {
        let size = indices.len() * self.length;
        let (mut inputs, mut targets) = (Vec::with_capacity(size), Vec::with_capacity(size));
        for &index in indices {
            if index >= self.len() {
                return Err(DataError::invalid(format!("indices below {}", self.len()), index.to_string()));
            }
            let begin = index * self.stride;
            let window = &self.tokens()[begin..begin + self.length + 1];
            inputs.extend(window[..self.length].iter().map(|&token| i64::from(token)));
            targets.extend(window[1..].iter().map(|&token| i64::from(token)));
        }
        Ok(TokenBatch { inputs, targets, batch: indices.len(), length: self.length })
    }

    fn fingerprint(&self) -> u64 {
        Fingerprint::new("character text")
            .numbers(self.tokens().iter().map(|&token| u64::from(token)))
            .number(self.vocabulary.fingerprint())
            .number(self.length as u64)
            .number(self.stride as u64)
            .finish()
    }
}
