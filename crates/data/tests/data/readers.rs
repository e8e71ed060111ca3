//! CIFAR, running text and Cora, good and damaged.

use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{assert_message, folder};
use bolete_data::cifar::{self, Labels};
use bolete_data::{CharacterText, Dataset, EpochRandomness, Vocabulary, cora};

fn record(labels: &[u8], value: u8) -> Vec<u8> {
    let planes = [value, value + 1, value + 2].into_iter().flat_map(|value| [value; 1024]);
    labels.iter().copied().chain(planes).collect()
}

fn cifar_10(name: &str) -> PathBuf {
    let folder = folder(name);
    for batch in 1..=5u8 {
        fs::write(folder.join(format!("data_batch_{batch}.bin")), record(&[batch], batch * 10)).unwrap();
    }
    fs::write(folder.join("test_batch.bin"), [record(&[9], 100), record(&[0], 200)].concat()).unwrap();
    folder
}

#[test]
fn cifar_10_is_read() {
    let folder = cifar_10("cifar-10");
    let both = cifar::load_10(&folder).unwrap();
    assert_eq!((both.train.labels(), both.test.labels()), (&[1, 2, 3, 4, 5][..], &[9, 0][..]));
    assert_eq!(both.train.class_names()[9], "truck");
    let pixels = both.test.pixels(1);
    assert_eq!((pixels.len(), pixels[0], pixels[1024], pixels[3071]), (3072, 200, 201, 202));
    let batch = both.test.batch(&[0], &EpochRandomness::new(0, 0)).unwrap();
    assert!((batch.images[1024] - (101.0 / 255.0 - 0.4822) / 0.2435).abs() < 1e-5);

    // The folder that the archive holds, and its list of names.
    let outer = self::folder("cifar-10-outer");
    fs::rename(&folder, outer.join("cifar-10-batches-bin")).unwrap();
    let names = outer.join("cifar-10-batches-bin/batches.meta.txt");
    fs::write(&names, "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n\n").unwrap();
    assert_eq!(cifar::load_10(&outer).unwrap().train.class_names()[9], "j");
    fs::write(&names, "a\nb\n").unwrap();
    assert_message(cifar::load_10(&outer), &["batches.meta.txt", "10 names of classes", "found 2"]);
}

#[test]
fn damaged_cifar_files_are_named() {
    let folder = cifar_10("cifar-damaged");
    let path = folder.join("data_batch_3.bin");
    let good = fs::read(&path).unwrap();
    let with = |bytes: &[u8], parts: &[&str]| {
        fs::write(&path, bytes).unwrap();
        assert_message(cifar::load_10(&folder), parts);
    };
    with(&good[1..], &["data_batch_3.bin", "records of 3073 bytes", "3072 bytes"]);
    with(&[], &["data_batch_3.bin", "found 0 bytes"]);
    with(&[&good[..], &record(&[10], 0)].concat(), &["labels from 0 to 9", "10 in record 1"]);
    fs::remove_file(&path).unwrap();
    assert_message(cifar::load_10(&folder), &["no training pictures", "data_batch_3.bin"]);
}

#[test]
fn cifar_100_has_two_kinds_of_labels() {
    let folder = folder("cifar-100");
    fs::write(folder.join("train.bin"), [record(&[3, 77], 1), record(&[19, 99], 5)].concat()).unwrap();
    fs::write(folder.join("test.bin"), record(&[0, 50], 9)).unwrap();
    let fine = cifar::load_100(&folder, Labels::Fine).unwrap();
    assert_eq!((fine.train.labels(), fine.train.class_names().len()), (&[77, 99][..], 100));
    assert_eq!((fine.train.pixels(1)[0], fine.test.class_names()[50].as_str()), (5, "50"));
    let names: Vec<String> = (0..20).map(|group| format!("group {group}")).collect();
    fs::write(folder.join("coarse_label_names.txt"), names.join("\n")).unwrap();
    let coarse = cifar::load_100(&folder, Labels::Coarse).unwrap();
    assert_eq!((coarse.train.labels(), coarse.train.class_names()[19].as_str()), (&[3, 19][..], "group 19"));
    fs::write(folder.join("test.bin"), record(&[20, 50], 9)).unwrap();
    assert_message(cifar::load_100(&folder, Labels::Coarse), &["labels from 0 to 19", "20 in record 0"]);
}

#[test]
fn windows_of_text_hold_inputs_and_targets() {
    let text = "the cat sat on the mat";
    let data = CharacterText::new(text, &Vocabulary::of_characters(text), 5).unwrap();
    assert_eq!(data.len(), 22 - 5);
    let batch = data.batch(&[16, 0], &EpochRandomness::new(0, 0)).unwrap();
    let decode = |tokens: &[i64]| {
        data.vocabulary().decode(&tokens.iter().map(|&token| token as u32).collect::<Vec<_>>())
    };
    assert_eq!((batch.batch, batch.length), (2, 5));
    assert_eq!([decode(&batch.inputs), decode(&batch.targets)], ["he mathe c", "e mathe ca"]);
    let apart = data.clone().with_stride(5);
    assert_eq!(apart.len(), 4);
    assert_ne!(apart.fingerprint(), data.fingerprint());

    let parts = data.split(0.25).unwrap();
    assert_eq!((parts.train.tokens().len(), parts.validation.tokens().len()), (16, 6));
    assert_eq!((parts.train.len(), parts.validation.len()), (11, 1));
    assert_eq!(parts.validation.split(1.0).unwrap().train.len(), 0);
    assert_ne!(parts.train.fingerprint(), parts.validation.fingerprint());
    assert_message(parts.validation.batch(&[1], &EpochRandomness::new(0, 0)), &["indices below 1"]);
    assert_message(data.split(1.5), &["between 0 and 1"]);
    assert_message(CharacterText::new(text, &Vocabulary::of_bytes(), 0), &["at least 1 token"]);
}

#[test]
fn vocabularies_write_texts_and_read_them() {
    let text = "naïve Ω\n";
    for (vocabulary, size, tokens) in
        [(Vocabulary::of_characters(text), 8, 8), (Vocabulary::of_bytes(), 256, 10)]
    {
        let encoded = vocabulary.encode(text).unwrap();
        assert_eq!((vocabulary.len(), encoded.len()), (size, tokens));
        assert!(encoded.iter().all(|&token| (token as usize) < size));
        assert_eq!(vocabulary.decode(&encoded), text);
        assert_eq!(vocabulary.decode(&[100_000]), "\u{fffd}");
    }
    let vocabulary = Vocabulary::of_characters("ba");
    assert_eq!((vocabulary.characters(), vocabulary.encode("ab").unwrap()), (&['a', 'b'][..], vec![0, 1]));
    assert_message(vocabulary.encode("abc"), &["one of the 2 characters", "'c' at character 2"]);
}

#[test]
fn text_files_are_read_and_bad_ones_are_named() {
    let path = folder("text").join("words.txt");
    fs::write(&path, "abcab").unwrap();
    assert_eq!(CharacterText::load(&path, 4).unwrap().len(), 1);
    assert_message(CharacterText::load(&path, 5), &["words.txt", "more than 5 characters", "found 5"]);
    fs::write(&path, b"abc\xff").unwrap();
    assert_message(CharacterText::load(&path, 2), &["words.txt", "UTF-8", "position 3"]);
    assert_message(CharacterText::load(path.with_file_name("absent"), 2), &["absent"]);
}

#[test]
fn the_text_of_shakespeare_has_65_characters_where_it_is_present() {
    let data = std::env::var_os("BOLETE_DATA").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"),
        PathBuf::from,
    );
    let path = data.join("text/tinyshakespeare.txt");
    if !path.is_file() {
        println!("skipped: {} is not there; set BOLETE_DATA to the data folder", path.display());
        return;
    }
    let text = CharacterText::load(&path, 256).unwrap();
    assert_eq!((text.vocabulary().len(), text.tokens().len()), (65, 1_115_394));
    let parts = text.split(0.1).unwrap();
    // The sizes of the customary split.
    assert_eq!((parts.train.tokens().len(), parts.validation.tokens().len()), (1_003_854, 111_540));
}

fn write_cora(folder: &Path, content: &str, cites: &str) {
    fs::create_dir_all(folder).unwrap();
    fs::write(folder.join("cora.content"), content).unwrap();
    fs::write(folder.join("cora.cites"), cites).unwrap();
}

const PAPERS: &str = "31336\t0\t1\t1\tNets\n1061127\t1\t0\t0\tRules\n1106406\t0\t0\t0\tNets\n";

#[test]
fn cora_becomes_features_labels_and_edges() {
    let folder = folder("cora");
    // The cited paper comes first; the last paper is not in the set.
    write_cora(&folder.join("cora"), PAPERS, "31336\t1061127\n1061127\t31336\n1106406\t31336\n35\t31336\n");
    let data = cora::load(&folder).unwrap();
    assert_eq!((data.papers(), data.words, data.left_out), (3, 3, 1));
    assert_eq!(data.features, [0.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0]);
    assert_eq!((data.labels.as_slice(), data.class_names.concat().as_str()), (&[0, 1, 0][..], "NetsRules"));
    assert_eq!(data.citations, [(1, 0), (0, 1), (0, 2)]);
    assert_eq!(data.undirected_edges(), (vec![0, 0, 1, 2], vec![1, 2, 0, 0]));
    assert_eq!(data.row_normalised_features()[..3], [0.0, 0.5, 0.5]);

    let split = data.split(1, 0, 1, 4).unwrap();
    assert_eq!((split.train.len(), split.validation.len(), split.test.len()), (2, 0, 1));
    assert_eq!(split, data.split(1, 0, 1, 4).unwrap());
    assert_message(data.split(2, 0, 0, 4), &["at least 2 papers of each field", "1 of Rules"]);
    assert_message(data.split(1, 1, 1, 4), &["1 papers for validation and 1 for testing", "found 1"]);
}

#[test]
fn damaged_cora_files_are_named_with_the_line() {
    let folder = folder("cora-damaged");
    let with = |content: &str, cites: &str, parts: &[&str]| {
        write_cora(&folder, content, cites);
        assert_message(cora::load(&folder), parts);
    };
    with("1 0 1 A\n2 0 A\n", "", &["cora.content", "2 words as in the first line in line 2", "found 1"]);
    with("1 0 2 A\n", "", &["0 or 1 for each word in line 1", "\"2\""]);
    with("1 0 1 A\n1 0 1 A\n", "", &["each paper once in line 2"]);
    with("\n1\n", "", &["a number, words and a field in line 2", "1 parts"]);
    with("", "", &["at least one paper", "found none"]);
    with(PAPERS, "1\n", &["cora.cites", "two papers in line 1", "1 parts"]);
    fs::remove_file(folder.join("cora.cites")).unwrap();
    assert_message(cora::load(&folder), &["no citations", "cora.cites"]);
}
