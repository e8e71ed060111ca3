//! Cora: scientific papers, their words, and which cites which.
//!
//! `cora.content` has a line per paper: its number, a 0 or 1 for each word of the vocabulary, and its field.
//! `cora.cites` has a line per citation: the number of the cited paper, then that of the citing one.
//!
//! Source: A. McCallum, K. Nigam, J. Rennie, K. Seymore, *Automating the construction of internet portals with machine
//! learning*, 2000; P. Sen et al., *Collective classification in network data*, 2008.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::path::{Path, PathBuf};

use crate::{DataError, Fingerprint, Randomness};

/// Sets the stream of the split apart from all others of the same seed.
const PLANETOID: u64 = u64::from_be_bytes(*b"PLANETOI");

/// A graph of papers.
#[derive(Clone, Debug, PartialEq)]
pub struct Cora {
    /// Which words a paper has, 0 or 1: `[papers, words]`, row-major.
    pub features: Vec<f32>,
    /// Number of words in the vocabulary.
    pub words: usize,
    /// The field of each paper as an index into `class_names`; `[papers]`.
    pub labels: Vec<i64>,
    /// The fields, in alphabetical order.
    pub class_names: Vec<String>,
    /// The citations `(citing, cited)` as indices of papers, in the order of the file, without repetitions.
    pub citations: Vec<(usize, usize)>,
    /// Citations of, or by, papers that are not in the set; they were left out.
    pub left_out: usize,
}

/// Which papers a model learns from and is measured on; in rising order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GraphSplit {
    /// Those whose field is known in training.
    pub train: Vec<usize>,
    /// Those by which decisions are taken.
    pub validation: Vec<usize>,
    /// Those on which it is measured.
    pub test: Vec<usize>,
}

/// Loads `cora.content` and `cora.cites` in `folder` or in its folder `cora`.
///
/// # Errors
/// [`DataError::Missing`] naming the file that is not there; [`DataError::Folder`] when one cannot be read;
/// [`DataError::Unfit`] with the line that is not as it should be.
pub fn load(folder: impl AsRef<Path>) -> Result<Cora, DataError> {
    let folder = folder.as_ref();
    let below = folder.join("cora");
    let folder =
        if !folder.join("cora.content").is_file() && below.is_dir() { below } else { folder.to_path_buf() };
    let (content_path, content) = read(&folder, "papers", "cora.content")?;
    let (cites_path, cites) = read(&folder, "citations", "cora.cites")?;

    let mut features = Vec::new();
    let mut fields = Vec::new();
    let mut papers = HashMap::new();
    let mut words = None;
    for (line, text) in content.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let wrong = |expected: String, found: String| unfit(&content_path, line, expected, found);
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [number, bits @ .., field] = parts.as_slice() else {
            return Err(wrong("a number, words and a field".into(), format!("{} parts", parts.len())));
        };
        let words = *words.get_or_insert(bits.len());
        if bits.len() != words || words == 0 {
            return Err(wrong(
                format!("{} words as in the first line", words.max(1)),
                bits.len().to_string(),
            ));
        }
        for bit in bits {
            features.push(match *bit {
                "0" => 0.0,
                "1" => 1.0,
                other => return Err(wrong("0 or 1 for each word".into(), short(other))),
            });
        }
        if papers.insert(number.to_string(), fields.len()).is_some() {
            return Err(wrong("each paper once".into(), format!("{} again", short(number))));
        }
        fields.push(field.to_string());
    }
    let Some(words) = words else {
        return Err(unfit(&content_path, 0, "at least one paper".into(), "none".into()));
    };
    let mut citations = Vec::new();
    let mut seen = std::collections::HashSet::new();
    let mut left_out = 0;
    for (line, text) in cites.lines().enumerate().filter(|(_, text)| !text.trim().is_empty()) {
        let parts: Vec<&str> = text.split_whitespace().collect();
        let [cited, citing] = parts.as_slice() else {
            let found = format!("{} parts", parts.len());
            return Err(unfit(&cites_path, line, "the numbers of two papers".into(), found));
        };
        match (papers.get(*citing), papers.get(*cited)) {
            (Some(&citing), Some(&cited)) => {
                if seen.insert((citing, cited)) {
                    citations.push((citing, cited));
                }
            }
            _ => left_out += 1,
        }
    }
    let numbered: BTreeMap<&str, ()> = fields.iter().map(|field| (field.as_str(), ())).collect();
    let class_names: Vec<String> = numbered.into_keys().map(String::from).collect();
    let label = |field: &String| class_names.binary_search(field).unwrap_or_default() as i64;
    Ok(Cora { labels: fields.iter().map(label).collect(), features, words, class_names, citations, left_out })
}

impl Cora {
    /// Number of papers.
    pub fn papers(&self) -> usize {
        self.labels.len()
    }

    /// The citations as edges of an undirected graph: each pair of papers in both directions, once, without loops, in
    /// rising order. Two rows `[2, edges]`: where an edge begins, and where it ends.
    pub fn undirected_edges(&self) -> (Vec<i64>, Vec<i64>) {
        let both = self.citations.iter().flat_map(|&(from, to)| [(from, to), (to, from)]);
        let edges: std::collections::BTreeSet<(usize, usize)> =
            both.filter(|(from, to)| from != to).collect();
        edges.into_iter().map(|(from, to)| (from as i64, to as i64)).unzip()
    }

    /// The features with each row divided by its sum, as graph convolutions commonly take them.
    pub fn row_normalised_features(&self) -> Vec<f32> {
        let row = |row: &[f32]| {
            let sum = row.iter().sum::<f32>().max(1.0);
            row.iter().map(|value| value / sum).collect::<Vec<_>>()
        };
        self.features.chunks_exact(self.words).flat_map(row).collect()
    }

    /// A split in the manner of Planetoid: `per_class` papers of each field for training (20 there), then `validation`
    /// (500) and `test` (1000) of the others; all chosen at random by the seed. The original split is a list of papers
    /// that was published as pickled files; this one is of the same kind and size, but holds other papers.
    ///
    /// Source: Z. Yang, W. Cohen, R. Salakhutdinov, *Revisiting semi-supervised learning with graph embeddings*, 2016.
    ///
    /// # Errors
    /// [`DataError::Invalid`] when there are not enough papers.
    pub fn split(
        &self,
        per_class: usize,
        validation: usize,
        test: usize,
        seed: u64,
    ) -> Result<GraphSplit, DataError> {
        let mut randomness = Randomness::keyed(&[PLANETOID, seed]);
        let mut order: Vec<usize> = (0..self.papers()).collect();
        randomness.shuffle(&mut order);
        let mut taken = vec![0; self.class_names.len()];
        let (mut train, others): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|&paper| {
            let taken = &mut taken[self.labels[paper] as usize];
            *taken += 1;
            *taken <= per_class
        });
        if let Some(class) = taken.iter().position(|&taken| taken < per_class) {
            return Err(DataError::invalid(
                format!("at least {per_class} papers of each field"),
                format!("{} of {}", taken[class], self.class_names[class]),
            ));
        }
        if others.len() < validation.saturating_add(test) {
            return Err(DataError::invalid(
                format!(
                    "{validation} papers for validation and {test} for testing beside those for training"
                ),
                others.len().to_string(),
            ));
        }
        let (mut validation, mut test) =
            (others[..validation].to_vec(), others[validation..validation + test].to_vec());
        [&mut train, &mut validation, &mut test].into_iter().for_each(|part| part.sort_unstable());
        Ok(GraphSplit { train, validation, test })
    }

    /// A hash of the content.
    pub fn fingerprint(&self) -> u64 {
        Fingerprint::new("cora")
            .number(self.words as u64)
            .numbers(self.features.iter().map(|value| u64::from(value.to_bits())))
            .numbers(self.labels.iter().map(|&label| label as u64))
            .numbers(self.citations.iter().map(|&(from, to)| (from as u64) << 32 | to as u64))
            .finish()
    }
}

fn read(folder: &Path, what: &'static str, name: &str) -> Result<(PathBuf, String), DataError> {
    let path = folder.join(name);
    if !path.is_file() {
        let folder = folder.to_path_buf();
        return Err(DataError::Missing { folder, what, tried: vec![name.to_string()] });
    }
    let bytes = fs::read(&path).map_err(|reason| DataError::folder(&path, reason))?;
    match String::from_utf8(bytes) {
        Ok(text) => Ok((path, text)),
        Err(error) => {
            let byte = error.utf8_error().valid_up_to();
            Err(DataError::Unfit {
                path,
                expected: "text in UTF-8".into(),
                found: format!("other bytes at position {byte}"),
                advice: "download the data set again",
            })
        }
    }
}

fn unfit(path: &Path, line: usize, expected: String, found: String) -> DataError {
    DataError::Unfit {
        path: path.to_path_buf(),
        expected: format!("{expected} in line {}", line + 1),
        found,
        advice: "download the data set again",
    }
}

fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}
