//! The files of each data set.

use std::borrow::Cow;

use super::Catalogued;
use crate::download::{Checksum, RemoteFile};

/// The four files of MNIST and its kin, as they are called.
const IDX: [&str; 4] = [
    "train-images-idx3-ubyte.gz",
    "train-labels-idx1-ubyte.gz",
    "t10k-images-idx3-ubyte.gz",
    "t10k-labels-idx1-ubyte.gz",
];

const TORCHVISION: &str = "MD5 as in torchvision.datasets.mnist; sizes as reported by its downloads";

pub(super) fn of(set: Catalogued) -> Vec<RemoteFile> {
    match set {
        Catalogued::Mnist => idx(
            &[
                "https://ossci-datasets.s3.amazonaws.com/mnist/",
                "https://storage.googleapis.com/cvdf-datasets/mnist/",
                "http://ossci-datasets.s3.amazonaws.com/mnist/",
                "http://storage.googleapis.com/cvdf-datasets/mnist/",
                "http://yann.lecun.com/exdb/mnist/",
            ],
            [
                (9_912_422, "f68b3c2dcbeaaa9fbdd348bbdeb94873"),
                (28_881, "d53e105ee54ea40749a09fcbcd1e9432"),
                (1_648_877, "9fb629c4189551a2d022fa330f9573f3"),
                (4_542, "ec29112dd5afa0611ce80d1b7f02629c"),
            ],
        ),
        Catalogued::FashionMnist => idx(
            &[
                "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
                "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
                "http://storage.googleapis.com/tensorflow/tf-keras-datasets/",
            ],
            [
                (26_421_880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
                (29_515, "25c81989df183df01b3e8a0aad5dffbe"),
                (4_422_102, "bef4ecab320f06d8554ea6380940ec79"),
                (5_148, "bb300cfdad3c16e7a12a480ee83cd310"),
            ],
        ),
        Catalogued::Kmnist => idx(
            &[
                "https://codh.rois.ac.jp/kmnist/dataset/kmnist/",
                "http://codh.rois.ac.jp/kmnist/dataset/kmnist/",
            ],
            [
                (18_165_135, "bdb82020997e1d708af4cf47b453dcf7"),
                (29_497, "e144d726b3acfaa3e44228e80efcd344"),
                (3_041_136, "5c965bf0a639b31b8f53240b1b52f4d7"),
                (5_120, "7320c461ea6c1c855c0b718fb2a4b134"),
            ],
        ),
        Catalogued::Cifar10 => vec![cifar(
            "cifar-10-binary.tar.gz",
            [
                "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
                "https://cave.cs.toronto.edu/kriz/cifar-10-binary.tar.gz",
                "http://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
            ],
            170_052_171,
            "c32a1d4ab5d03f1284b67883e8d87530",
        )],
        Catalogued::Cifar100 => vec![cifar(
            "cifar-100-binary.tar.gz",
            [
                "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
                "https://cave.cs.toronto.edu/kriz/cifar-100-binary.tar.gz",
                "http://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
            ],
            168_513_733,
            "03b5dce01913d631647c71ecec9e9cb8",
        )],
        Catalogued::TinyShakespeare => vec![RemoteFile {
            name: Cow::Borrowed("tinyshakespeare.txt"),
            mirrors: borrowed(&[
                "https://raw.githubusercontent.com/karpathy/char-rnn/master/data/tinyshakespeare/input.txt",
                "https://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
                "http://storage.googleapis.com/download.tensorflow.org/data/shakespeare.txt",
            ]),
            size: Some(1_115_394),
            checksum: Checksum::Sha256(Cow::Borrowed(
                "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
            )),
            source: Cow::Borrowed("the author publishes none; computed from a copy of the file"),
        }],
        Catalogued::Names => vec![RemoteFile {
            name: Cow::Borrowed("names.txt"),
            mirrors: borrowed(&["https://raw.githubusercontent.com/karpathy/makemore/master/names.txt"]),
            size: Some(228_145),
            checksum: Checksum::Sha256(Cow::Borrowed(
                "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d",
            )),
            source: Cow::Borrowed("the author publishes none; computed from a copy of the file"),
        }],
        Catalogued::Cora => vec![RemoteFile {
            name: Cow::Borrowed("cora.tgz"),
            mirrors: borrowed(&["https://linqs-data.soe.ucsc.edu/public/lbc/cora.tgz"]),
            size: None,
            checksum: Checksum::FirstUse,
            source: Cow::Borrowed(
                "none is published; that of the first download is remembered, and the reader checks the structure",
            ),
        }],
    }
}

pub(super) fn contents(set: Catalogued) -> Vec<&'static str> {
    match set {
        Catalogued::Mnist | Catalogued::FashionMnist | Catalogued::Kmnist => IDX.to_vec(),
        Catalogued::Cifar10 => vec![
            "data_batch_1.bin",
            "data_batch_2.bin",
            "data_batch_3.bin",
            "data_batch_4.bin",
            "data_batch_5.bin",
            "test_batch.bin",
            "batches.meta.txt",
        ],
        Catalogued::Cifar100 => {
            vec!["train.bin", "test.bin", "fine_label_names.txt", "coarse_label_names.txt"]
        }
        Catalogued::TinyShakespeare => vec!["tinyshakespeare.txt"],
        Catalogued::Names => vec!["names.txt"],
        Catalogued::Cora => vec!["cora.content", "cora.cites"],
    }
}

fn idx(folders: &[&str], sums: [(u64, &'static str); 4]) -> Vec<RemoteFile> {
    let file = |(name, (size, sum)): (&'static str, (u64, &'static str))| RemoteFile {
        name: Cow::Borrowed(name),
        mirrors: folders.iter().map(|folder| Cow::Owned(format!("{folder}{name}"))).collect(),
        size: Some(size),
        checksum: Checksum::Md5(Cow::Borrowed(sum)),
        source: Cow::Borrowed(TORCHVISION),
    };
    IDX.into_iter().zip(sums).map(file).collect()
}

fn cifar(name: &'static str, mirrors: [&'static str; 3], size: u64, sum: &'static str) -> RemoteFile {
    RemoteFile {
        name: Cow::Borrowed(name),
        mirrors: borrowed(&mirrors),
        size: Some(size),
        checksum: Checksum::Md5(Cow::Borrowed(sum)),
        source: Cow::Borrowed("MD5 as on the author's page of the data set"),
    }
}

fn borrowed(addresses: &[&'static str]) -> Vec<Cow<'static, str>> {
    addresses.iter().map(|address| Cow::Borrowed(*address)).collect()
}
