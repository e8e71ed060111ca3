//! Characters and bytes as numbers.

use std::collections::{BTreeSet, HashMap};

use crate::{DataError, Fingerprint};

/// Which number stands for which character: a list of characters, or all 256 bytes of UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vocabulary {
    /// `None` where tokens are bytes.
    characters: Option<Characters>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Characters {
    list: Vec<char>,
    tokens: HashMap<char, u32>,
}

impl Vocabulary {
    /// The characters of a text, in the order of their code points.
    pub fn of_characters(text: &str) -> Self {
        let list: Vec<char> = text.chars().collect::<BTreeSet<_>>().into_iter().collect();
        let tokens = list.iter().enumerate().map(|(token, &character)| (character, token as u32)).collect();
        Self { characters: Some(Characters { list, tokens }) }
    }

    /// The 256 bytes: any text can be written in it, also one that was not seen before.
    pub fn of_bytes() -> Self {
        Self { characters: None }
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.characters.as_ref().map_or(256, |characters| characters.list.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The characters, in the order of their tokens; none for bytes.
    pub fn characters(&self) -> &[char] {
        self.characters.as_ref().map_or(&[], |characters| &characters.list)
    }

    /// The tokens of a text.
    ///
    /// # Errors
    /// [`DataError::Invalid`] naming the first character that is not in the vocabulary.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, DataError> {
        let Some(characters) = &self.characters else {
            return Ok(text.bytes().map(u32::from).collect());
        };
        let token = |(position, character): (usize, char)| {
            characters.tokens.get(&character).copied().ok_or_else(|| {
                DataError::invalid(
                    format!("one of the {} characters of the vocabulary", characters.list.len()),
                    format!("{character:?} at character {position}"),
                )
            })
        };
        text.chars().enumerate().map(token).collect()
    }

    /// The text of tokens. Unknown tokens, and bytes that are no UTF-8, become the replacement character.
    pub fn decode(&self, tokens: &[u32]) -> String {
        match &self.characters {
            Some(characters) => {
                let character = |&token: &u32| characters.list.get(token as usize).copied();
                tokens.iter().map(|token| character(token).unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
            None => {
                // 0xff is never part of UTF-8.
                let bytes: Vec<u8> =
                    tokens.iter().map(|&token| u8::try_from(token).unwrap_or(0xff)).collect();
                String::from_utf8_lossy(&bytes).into_owned()
            }
        }
    }

    /// A hash of the characters.
    pub fn fingerprint(&self) -> u64 {
        match &self.characters {
            Some(characters) => {
                let text: String = characters.list.iter().collect();
                Fingerprint::new("characters").bytes(text.as_bytes()).finish()
            }
            None => Fingerprint::new("bytes").finish(),
        }
    }
}
