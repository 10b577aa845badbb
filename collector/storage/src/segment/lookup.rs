//! Looks metrics up in segments, and keeps of each segment the block read last and the place in it: of a group of
//! metrics asked for in ascending order, each block is read and checked once.

use collector_model::MetricId;

use super::reader::{Block, Damage, Segment};
use super::{chunk, key};
use crate::StoreError;
use crate::codec::CodecError;

/// What is known from the looks before. A new one knows nothing.
#[derive(Default)]
pub(crate) struct Lookup {
    /// By number of the segment; there are few.
    places: Vec<(u64, Place)>,
    scratch: chunk::Scratch,
}

/// A block that was read, and a chunk's place in it.
struct Place {
    index: usize,
    block: Block,
    at: usize,
    /// The metric that was found there or would be.
    metric: MetricId,
}

/// What is wanted of a segment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ask {
    pub(crate) metric: MetricId,
    pub(crate) select: chunk::Select,
    /// Only blocks that have seen all deletions up to here.
    pub(crate) since: u64,
}

impl Lookup {
    /// Appends the values of a column with the starts of their windows. Damaged blocks are reported and passed over.
    pub(crate) fn column(
        &mut self,
        segment: &Segment,
        ask: &Ask,
        out: &mut Vec<(i64, f64)>,
    ) -> Result<(), StoreError> {
        let wanted = key(ask.metric);
        let mut index = segment.first_block(wanted);
        while out.len() < ask.select.most && !segment.is_beyond(index, wanted) {
            let granularity = segment.meta.granularity;
            if let Some(place) = place(&mut self.places, segment, index)?
                && place.block.seq >= ask.since
                && let Err(error) = place.column(granularity, ask, &mut self.scratch, out)
            {
                let (range, reason) = (segment.place(index).unwrap_or_default(), error.0);
                segment.report(&Damage { range, reason });
            }
            index += 1;
        }
        Ok(())
    }
}

/// The place in a segment, moved to a block; none if that is damaged.
fn place<'a>(
    places: &'a mut Vec<(u64, Place)>,
    segment: &Segment,
    index: usize,
) -> Result<Option<&'a mut Place>, StoreError> {
    let known = places.iter().position(|(id, _)| *id == segment.id);
    let at = match known {
        Some(at)
            if places
                .get(at)
                .is_some_and(|(_, place)| place.index == index) =>
        {
            at
        }
        _ => {
            let buffer = known.map(|at| places.swap_remove(at).1.block.into_buffer());
            let block = match segment.block_into(index, buffer.unwrap_or_default())? {
                Ok(block) => block,
                Err(damage) => {
                    segment.report(&damage);
                    return Ok(None);
                }
            };
            let (at, metric) = (0, MetricId::nil());
            let place = Place {
                index,
                block,
                at,
                metric,
            };
            places.push((segment.id, place));
            places.len() - 1
        }
    };
    Ok(places.get_mut(at).map(|(_, place)| place))
}

impl Place {
    fn column(
        &mut self,
        granularity: i64,
        ask: &Ask,
        scratch: &mut chunk::Scratch,
        out: &mut Vec<(i64, f64)>,
    ) -> Result<(), CodecError> {
        if ask.metric < self.metric {
            self.at = 0;
        }
        self.metric = ask.metric;
        let mut at = self.at;
        while let Some(chunk) = self.block.chunk(at) {
            let (chunk, next) = chunk?;
            if chunk.metric > ask.metric {
                break;
            }
            if chunk.metric < ask.metric {
                self.at = next;
            } else {
                chunk.column(granularity, &ask.select, scratch, out)?;
            }
            at = next;
        }
        Ok(())
    }
}
