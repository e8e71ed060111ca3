//! The messages of event files. Field numbers are those of TensorBoard's definitions.

use super::protobuf::{Fields, Message};
use super::{Content, Event, Histogram, Hyperparameter, Summary, Value};

/// `DataType` of tensors.
const FLOAT: u64 = 1;
const STRING: u64 = 7;
/// `DataClass` of summaries.
const CLASS_TENSOR: u64 = 2;
/// `SessionLog.status`.
const START: u64 = 1;
/// RGBA, as TensorBoard's own writer says for pictures with an alpha channel; it is not looked at.
const COLOUR_SPACE: u64 = 4;

/// Values in a record, and hyperparameters in a value, that are decoded: small ones take more memory than file.
const MOST_VALUES: usize = 100_000;

const PARAMETERS_TAG: &str = "_hparams_/session_start_info";
pub(super) const EXPERIMENT_TAG: &str = "_hparams_/experiment";

/// An event.
pub(super) fn encode(event: &Event) -> Vec<u8> {
    let message = Message::default().double(1, event.wall_time).integer(2, event.step as u64);
    let message = match &event.content {
        Content::FileVersion(version) => message.bytes(3, version.as_bytes()),
        Content::Start => message.message(7, Message::default().integer(1, START)),
        Content::Values(values) => {
            let summary = |message: Message, value| message.message(1, encode_summary(value));
            message.message(5, values.iter().fold(Message::default(), summary))
        }
        Content::Other => message,
    };
    message.0
}

fn encode_summary(summary: &Summary) -> Message {
    let message = Message::default().bytes(1, summary.tag.as_bytes());
    match &summary.value {
        Value::Scalar(value) => message.float(2, *value),
        Value::Histogram(histogram) => message.message(5, encode_histogram(histogram)),
        Value::Image { width, height, png } => {
            let image = Message::default().integer(1, (*height).into()).integer(2, (*width).into());
            message.message(4, image.integer(3, COLOUR_SPACE).bytes(4, png))
        }
        Value::Text(text) => {
            // One text in a vector of one.
            let shape = Message::default().message(2, Message::default().integer(1, 1));
            let tensor = Message::default().integer(1, STRING).message(2, shape).bytes(8, text.as_bytes());
            message.message(9, metadata("text", Message::default())).message(8, tensor)
        }
        Value::Hyperparameters(parameters) => {
            let entry = |message: Message, (name, value): &(String, Hyperparameter)| {
                let value = match value {
                    Hyperparameter::Number(value) => Message::default().double(2, *value),
                    Hyperparameter::Text(value) => Message::default().bytes(3, value.as_bytes()),
                    Hyperparameter::Flag(value) => Message::default().integer(4, u64::from(*value)),
                };
                message.message(1, Message::default().bytes(1, name.as_bytes()).message(2, value))
            };
            let start = parameters.iter().fold(Message::default(), entry);
            plugin(message, Message::default().message(3, start))
        }
        Value::Other => message,
    }
}

/// Which hyperparameters there are and which scalars to show beside them.
pub(super) fn encode_experiment(
    wall_time: f64,
    parameters: &[(String, Hyperparameter)],
    metrics: &[String],
) -> Vec<u8> {
    let mut experiment = Message::default();
    for (name, value) in parameters {
        let kind = match value {
            Hyperparameter::Text(_) => 1,
            Hyperparameter::Flag(_) => 2,
            Hyperparameter::Number(_) => 3,
        };
        experiment = experiment.message(4, Message::default().bytes(1, name.as_bytes()).integer(4, kind));
    }
    for tag in metrics {
        let name = Message::default().bytes(2, tag.as_bytes());
        experiment = experiment.message(5, Message::default().message(1, name));
    }
    let value = Message::default().bytes(1, EXPERIMENT_TAG.as_bytes());
    let value = plugin(value, Message::default().message(2, experiment));
    Message::default().double(1, wall_time).message(5, Message::default().message(1, value)).0
}

fn metadata(plugin: &str, content: Message) -> Message {
    let data = Message::default().bytes(1, plugin.as_bytes()).message(2, content);
    Message::default().message(1, data).integer(4, CLASS_TENSOR)
}

/// A value of the plugin for hyperparameters, which holds all it says in its metadata and an empty tensor.
fn plugin(message: Message, content: Message) -> Message {
    let tensor = Message::default().integer(1, FLOAT).message(2, Message::default());
    message.message(9, metadata("hparams", content)).message(8, tensor.bytes(5, &0.0f32.to_le_bytes()))
}

fn encode_histogram(histogram: &Histogram) -> Message {
    Message::default()
        .double(1, histogram.min)
        .double(2, histogram.max)
        .double(3, histogram.count)
        .double(4, histogram.sum)
        .double(5, histogram.sum_of_squares)
        .doubles(6, &histogram.limits)
        .doubles(7, &histogram.counts)
}

/// The event in a record; `None` if it is none.
pub(super) fn decode(bytes: &[u8]) -> Option<Event> {
    let mut event = Event { wall_time: 0.0, step: 0, content: Content::Other };
    for field in Fields(bytes) {
        match field? {
            (1, value) => event.wall_time = value.double()?,
            (2, value) => event.step = value.integer()? as i64,
            (3, value) => event.content = Content::FileVersion(value.text()?),
            (5, value) => {
                let mut values = Vec::new();
                for field in Fields(value.bytes()?) {
                    if let (1, value) = field? {
                        values.push(decode_summary(value.bytes()?)?);
                        if values.len() > MOST_VALUES {
                            return None;
                        }
                    }
                }
                event.content = Content::Values(values);
            }
            (7, value) => {
                for field in Fields(value.bytes()?) {
                    if let (1, value) = field?
                        && value.integer()? == START
                    {
                        event.content = Content::Start;
                    }
                }
            }
            _ => {}
        }
    }
    Some(event)
}

fn decode_summary(bytes: &[u8]) -> Option<Summary> {
    let mut summary = Summary { tag: String::new(), value: Value::Other };
    let (mut plugin, mut tensor) = (Plugin::default(), None);
    for field in Fields(bytes) {
        match field? {
            (1, value) => summary.tag = value.text()?,
            (2, value) => summary.value = Value::Scalar(value.float()?),
            (4, value) => summary.value = decode_image(value.bytes()?)?,
            (5, value) => summary.value = Value::Histogram(decode_histogram(value.bytes()?)?),
            (8, value) => tensor = Some(value.bytes()?),
            (9, value) => plugin = decode_metadata(value.bytes()?)?,
            _ => {}
        }
    }
    if summary.tag == PARAMETERS_TAG && plugin.name == "hparams" {
        summary.value = Value::Hyperparameters(decode_parameters(plugin.content)?);
    } else if let Some(tensor) = tensor {
        let (mut text, mut number) = (None, None);
        for field in Fields(tensor) {
            match field? {
                (8, value) if text.is_none() => text = Some(value.text()?),
                // Packed, or the raw content of a tensor of one `f32`.
                (4 | 5, value) => {
                    let packed = value.bytes().and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
                    number = packed.map(f32::from_le_bytes).or(value.float());
                }
                _ => {}
            }
        }
        summary.value = match (plugin.name.as_str(), text, number) {
            ("text", Some(text), _) => Value::Text(text),
            ("scalars", _, Some(number)) => Value::Scalar(number),
            _ => Value::Other,
        };
    }
    Some(summary)
}

fn decode_image(bytes: &[u8]) -> Option<Value> {
    let (mut width, mut height, mut png) = (0, 0, Vec::new());
    for field in Fields(bytes) {
        match field? {
            (1, value) => height = value.integer()? as u32,
            (2, value) => width = value.integer()? as u32,
            (4, value) => png = value.bytes()?.to_vec(),
            _ => {}
        }
    }
    Some(Value::Image { width, height, png })
}

fn decode_histogram(bytes: &[u8]) -> Option<Histogram> {
    let mut histogram = Histogram::default();
    for field in Fields(bytes) {
        match field? {
            (1, value) => histogram.min = value.double()?,
            (2, value) => histogram.max = value.double()?,
            (3, value) => histogram.count = value.double()?,
            (4, value) => histogram.sum = value.double()?,
            (5, value) => histogram.sum_of_squares = value.double()?,
            (6, value) => histogram.limits.extend(value.doubles()?),
            (7, value) => histogram.counts.extend(value.doubles()?),
            _ => {}
        }
    }
    Some(histogram)
}

#[derive(Default)]
struct Plugin<'a> {
    name: String,
    content: &'a [u8],
}

fn decode_metadata(bytes: &[u8]) -> Option<Plugin<'_>> {
    let mut plugin = Plugin::default();
    for field in Fields(bytes) {
        if let (1, data) = field? {
            for field in Fields(data.bytes()?) {
                match field? {
                    (1, value) => plugin.name = value.text()?,
                    (2, value) => plugin.content = value.bytes()?,
                    _ => {}
                }
            }
        }
    }
    Some(plugin)
}

fn decode_parameters(bytes: &[u8]) -> Option<Vec<(String, Hyperparameter)>> {
    let mut parameters = Vec::new();
    for field in Fields(bytes) {
        let (3, start) = field? else { continue };
        for field in Fields(start.bytes()?) {
            let (1, entry) = field? else { continue };
            let (mut name, mut parameter) = (String::new(), None);
            for field in Fields(entry.bytes()?) {
                match field? {
                    (1, value) => name = value.text()?,
                    (2, value) => {
                        for field in Fields(value.bytes()?) {
                            parameter = match field? {
                                (2, value) => Some(Hyperparameter::Number(value.double()?)),
                                (3, value) => Some(Hyperparameter::Text(value.text()?)),
                                (4, value) => Some(Hyperparameter::Flag(value.integer()? != 0)),
                                _ => parameter,
                            };
                        }
                    }
                    _ => {}
                }
            }
            parameters.extend(parameter.map(|parameter| (name, parameter)));
            if parameters.len() > MOST_VALUES {
                return None;
            }
        }
    }
    Some(parameters)
}

/// The tag under which a run's hyperparameters are written.
pub(super) fn parameters_tag() -> String {
    PARAMETERS_TAG.to_string()
}
