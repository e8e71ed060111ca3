//! Event files: what is written is read again, by ourselves and by TensorBoard itself; damage is survived.

mod support;

use std::path::Path;
use std::process::Command;

use bolete_formats::tensorboard::{
    Content, Event, EventReader, EventWriter, Histogram, Hyperparameter, Value, read,
};
use support::{assert_message, folder};

/// A PNG file of 2 × 1 pixels.
fn picture() -> Vec<u8> {
    // In memory: the tests of this file run side by side.
    let mut file = std::io::Cursor::new(Vec::new());
    let pixels = image::GrayImage::from_raw(2, 1, vec![0, 255]).unwrap();
    pixels.write_to(&mut file, image::ImageFormat::Png).unwrap();
    file.into_inner()
}

fn parameters() -> Vec<(String, Hyperparameter)> {
    vec![
        ("rate".into(), Hyperparameter::Number(0.1)),
        ("optimiser".into(), Hyperparameter::Text("adam".into())),
        ("augment".into(), Hyperparameter::Flag(true)),
    ]
}

fn values() -> Vec<f64> {
    (0..100).map(|i| f64::from(i - 30) * 0.05).collect()
}

/// A run of five steps that is cut short and goes on from step 3.
fn write_run(folder: &Path) -> (EventWriter, EventWriter) {
    let mut first = EventWriter::create(folder).unwrap();
    first.hyperparameters(&parameters(), &["loss/train".into()]).unwrap();
    for step in 0..5 {
        first.scalar("loss/train", step, 1.0 / (step + 1) as f64).unwrap();
    }
    first.histogram("weights", 2, &Histogram::of(values())).unwrap();
    first.image("samples", 2, &picture()).unwrap();
    first.text("notes", 0, "# A run\nwith *notes*").unwrap();
    let mut second = EventWriter::resume(folder, 3).unwrap();
    second.scalars(3, [("loss/train", 7.0), ("accuracy", 0.5)]).unwrap();
    (first, second)
}

#[test]
fn what_is_written_is_read_again() {
    let folder = folder("tensorboard-round-trip");
    let (first, second) = write_run(&folder);
    assert!(first.path() < second.path(), "later files come later by name");
    let events = read(first.path()).unwrap();
    assert_eq!(events[0].content, Content::FileVersion("brain.Event:2".into()));
    assert!(events[0].wall_time > 1.7e9);
    let values: Vec<(i64, String, Value)> = events
        .into_iter()
        .filter_map(|event| match event.content {
            Content::Values(values) => Some((event.step, values)),
            _ => None,
        })
        .flat_map(|(step, values)| values.into_iter().map(move |value| (step, value.tag, value.value)))
        .collect();
    assert_eq!(values[1].2, Value::Hyperparameters(parameters()));
    assert_eq!(values[4], (2, "loss/train".into(), Value::Scalar(1.0 / 3.0)));
    assert_eq!(values[7], (2, "weights".into(), Value::Histogram(Histogram::of(self::values()))));
    assert_eq!(values[8], (2, "samples".into(), Value::Image { width: 2, height: 1, png: picture() }));
    assert_eq!(values[9], (0, "notes".into(), Value::Text("# A run\nwith *notes*".into())));
    let events = read(second.path()).unwrap();
    assert_eq!((events[1].step, &events[1].content), (3, &Content::Start));
    let mut writer = second;
    assert_message(writer.image("x", 0, b"GIF89a"), &["PNG", "6 bytes"]);
}

#[test]
fn histograms_have_the_default_buckets() {
    let histogram = Histogram::of([-1.0, 0.0, 0.0, 1e-13, 2.5, f64::NAN, f64::INFINITY]);
    assert_eq!((histogram.count, histogram.min, histogram.max), (5.0, -1.0, 2.5));
    assert_eq!((histogram.sum, histogram.sum_of_squares), (1.5 + 1e-13, 7.25));
    assert_eq!(histogram.counts.iter().sum::<f64>(), 5.0);
    assert!(histogram.limits.is_sorted());
    // Zero and what is nearly zero lie below the smallest positive limit.
    let at = histogram.limits.iter().position(|limit| *limit == 1e-12).unwrap();
    assert_eq!(histogram.counts[at], 3.0);
    // Each bucket holds what lies between its limits; neighbours differ by a tenth.
    let at = histogram.counts.iter().rposition(|count| *count > 0.0).unwrap();
    assert!(histogram.limits[at - 1] <= 2.5 && 2.5 < histogram.limits[at]);
    assert!((histogram.limits[at] / histogram.limits[at - 1] - 1.1).abs() < 1e-9);
    assert!(histogram.counts.windows(2).all(|pair| pair != [0.0, 0.0]), "empty buckets are joined");
    assert_eq!(Histogram::of([f64::NAN]).counts, [0.0]);
    assert_eq!(Histogram::of([f64::MAX, -f64::MAX]).count, 2.0);
}

#[test]
fn a_file_cut_off_anywhere_is_read_up_to_there() {
    let folder = folder("tensorboard-cut");
    let (first, _) = write_run(&folder);
    let (bytes, whole) = (std::fs::read(first.path()).unwrap(), read(first.path()).unwrap());
    let path = folder.join("cut");
    let mut last = 0;
    for length in (0..bytes.len()).step_by(7).chain([bytes.len()]) {
        std::fs::write(&path, &bytes[..length]).unwrap();
        let mut reader = EventReader::open(&path).unwrap();
        let events: Vec<Event> = reader.by_ref().map(Result::unwrap).collect();
        assert_eq!(events, whole[..events.len()]);
        assert!(events.len() >= last);
        last = events.len();
        assert!(reader.is_cut_off() || length == 0 || length == bytes.len() || events.len() < whole.len());
    }
    assert_eq!(last, whole.len());
}

#[test]
fn damage_is_an_error_and_no_panic() {
    let folder = folder("tensorboard-damage");
    let (first, _) = write_run(&folder);
    let bytes = std::fs::read(first.path()).unwrap();
    let path = folder.join("damaged");
    let whole = read(first.path()).unwrap();
    for at in (0..bytes.len()).step_by(11) {
        let mut damaged = bytes.clone();
        damaged[at] ^= 0x41;
        std::fs::write(&path, &damaged).unwrap();
        // Every byte is under a checksum.
        assert_message(read(&path), &["not a valid TensorBoard event file", "checksum", "as record"]);
        let before = EventReader::open(&path).unwrap().filter_map(Result::ok).count();
        assert!(before < whole.len());
    }
    assert_message(read(folder.join("absent")), &["cannot be read"]);
}

const SCRIPT: &str = r#"
import sys
try:
    from tensorboard.backend.event_processing import event_accumulator, directory_loader
    from tensorboard.backend.event_processing import event_file_loader
    from tensorboard.plugins.hparams import plugin_data_pb2
except ImportError:
    print("absent")
    sys.exit()
folder = sys.argv[1]
run = event_accumulator.EventAccumulator(folder, size_guidance={k: 0 for k in ("images", "scalars", "histograms", "tensors")})
run.Reload()
print("tags", run.Tags()["scalars"], run.Tags()["images"], run.Tags()["histograms"])
print("loss", [(e.step, round(e.value, 4)) for e in run.Scalars("loss/train")])
print("accuracy", [(e.step, e.value) for e in run.Scalars("accuracy")])
image = run.Images("samples")[0]
print("image", image.step, image.width, image.height, len(image.encoded_image_string))
histogram = run.Histograms("weights")[0].histogram_value
print("histogram", histogram.num, round(histogram.sum, 6), sum(histogram.bucket), len(histogram.bucket_limit))
print("text", run.Tensors("notes")[0].tensor_proto.string_val[0].decode())
data = run.summary_metadata["_hparams_/session_start_info"].plugin_data.content
start = plugin_data_pb2.HParamsPluginData.FromString(data).session_start_info.hparams
print("hparams", start["rate"].number_value, start["optimiser"].string_value, start["augment"].bool_value)
data = run.summary_metadata["_hparams_/experiment"].plugin_data.content
experiment = plugin_data_pb2.HParamsPluginData.FromString(data).experiment
print("experiment", [i.name for i in experiment.hparam_infos], [i.name.tag for i in experiment.metric_infos])
loader = directory_loader.DirectoryLoader(folder, lambda path: event_file_loader.TimestampedEventFileLoader(path))
print("events", len(list(loader.Load())))
"#;

#[test]
fn tensorboard_reads_our_files() {
    let folder = folder("tensorboard-real");
    write_run(&folder);
    let python = std::env::var("BOLETE_PYTHON").unwrap_or_else(|_| "python3".into());
    let Ok(output) = Command::new(&python).args(["-c", SCRIPT]).arg(&folder).output() else {
        println!("skipped: {python} cannot be run; BOLETE_PYTHON names a Python that has tensorboard");
        return;
    };
    let text = String::from_utf8_lossy(&output.stdout);
    if text.trim() == "absent" {
        println!("skipped: {python} has no tensorboard; BOLETE_PYTHON names a Python that has");
        return;
    }
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let histogram = Histogram::of(values());
    let expected = [
        "tags ['loss/train', 'accuracy'] ['samples'] ['weights']".to_string(),
        // Steps 3 and 4 of the first file were dropped.
        "loss [(0, 1.0), (1, 0.5), (2, 0.3333), (3, 7.0)]".to_string(),
        "accuracy [(3, 0.5)]".to_string(),
        format!("image 2 2 1 {}", picture().len()),
        format!("histogram 100.0 {:.1} 100.0 {}", histogram.sum, histogram.limits.len()),
        "text # A run\nwith *notes*".to_string(),
        "hparams 0.1 adam True".to_string(),
        "experiment ['rate', 'optimiser', 'augment'] ['loss/train']".to_string(),
        "events 14".to_string(),
    ];
    assert_eq!(text.trim(), expected.join("\n"));
}
