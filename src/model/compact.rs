//! Structs that are named maps where people read and bare tuples in the journal's binary form, where the names of
//! the fields of every frame's event would take more room than the values.

/// Writes and reads a struct as a tuple of its fields, in this order, unless the format is human-readable; then as
/// serde derives it. The struct derives with `#[serde(remote = "Self")]`. A field added later is a new version of
/// every event that holds the struct.
macro_rules! tuple_in_binary {
    ($name:ident { $($field:ident),+ $(,)? }) => {
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() {
                    Self::serialize(self, serializer)
                } else {
                    serde::Serialize::serialize(&($(&self.$field,)+), serializer)
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    Self::deserialize(deserializer)
                } else {
                    let ($($field,)+) = serde::Deserialize::deserialize(deserializer)?;
                    Ok(Self { $($field),+ })
                }
            }
        }
    };
}

pub(crate) use tuple_in_binary;
