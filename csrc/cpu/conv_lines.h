// How the fast paths of convolution read an image: positions of one line of the window's walk lie at equal distances in it, so the tile
// kernels read the image itself, a stretch for each line of taps, and nothing is gathered.
//
// A unit of work is a block of lines of one image, or a segment of a long line. Where its windows reach over the image's edge (or the
// dtype must be converted) the part of the image that it sees is copied once, with its padding, into a patch that stays in cache.
#pragma once
#include <algorithm>

#include "conv_source.h"
#include "gemm_run.h"

namespace KG_NS {

constexpr int64_t kLinePiece = 640;      // columns (tap, channel) at a time
constexpr int64_t kLinePositions = 224;  // of a unit
constexpr int64_t kPatch = 3 << 14;      // elements
constexpr int64_t kMostStep = 4096;      // between positions, and between taps

struct LineShape {
  bool usable = false;
  int64_t block;               // channels at a time
  int64_t segment, segments;   // positions of a line: at a time, and how often
  int64_t lines, line_blocks;  // likewise lines
  int64_t units;               // of work
  int64_t pitch;               // of a patch's pixels
  int64_t patch_w, patch_h;    // in pixels
  int64_t patch;               // elements of scratch
};

// `rows`: of a tile; segments are whole tiles.
template <class S, class T> LineShape plan_lines(const Source<T>& s, int64_t most_rows) {
  const Axis* axis = s.axis;
  const int64_t depth = s.depth, taps = s.taps(), q = axis[2].count;
  LineShape p;
  if (s.positions() == 0 || taps == 0 || depth == 0 || taps > kLinePiece / 4) return p;
  for (int a = 0; a < 3; ++a)  // so that nothing below overflows
    if (axis[a].step > kMostStep || axis[a].tap_step > kMostStep) return p;
  const int64_t fits = std::max<int64_t>(kLinePiece / taps, 8);
  p.block = depth <= fits + fits / 2 ? depth : round_up(ceil_div(depth, ceil_div(depth, fits)), 8);
  p.segment = ceil_div(q, ceil_div(q, kLinePositions));
  p.segment = round_up(p.segment, ceil_div(p.segment, ceil_div(p.segment, most_rows)));
  p.segments = ceil_div(q, p.segment);
  p.pitch = p.block % 256 == 0 ? p.block + 16 : p.block;  // pixels a power of two apart would share few cache lines
  p.patch_w = (min_of(p.segment, q) - 1) * axis[2].step + (axis[2].taps - 1) * axis[2].tap_step + 1;
  if (p.patch_w > kPatch) return p;
  auto height = [&](int64_t lines) { return (lines - 1) * axis[1].step + (axis[1].taps - 1) * axis[1].tap_step + 1; };
  auto patch = [&](int64_t lines) { return axis[0].taps * height(lines) * p.patch_w * p.pitch; };
  p.lines = p.segments > 1 ? 1 : std::max<int64_t>(1, min_of(axis[1].count, kLinePositions / p.segment));
  while (p.lines > 1 && patch(p.lines) > kPatch) --p.lines;
  p.lines = ceil_div(axis[1].count, ceil_div(axis[1].count, p.lines));
  p.patch = patch(p.lines) + Simd<S>::L;
  p.patch_h = height(p.lines);
  p.line_blocks = ceil_div(axis[1].count, p.lines);
  p.units = s.batch * axis[0].count * p.line_blocks * p.segments;
  // A patch with far more pixels than the windows see is no gain.
  p.usable = p.patch <= 2 * kPatch && p.patch <= 2 * taps * p.lines * p.segment * p.pitch + kPatch / 8;
  return p;
}

// Where the stretches of a window begin, in an image or a patch.
struct Runs {
  int64_t at[kLinePiece];
  int64_t count, length;
};

// What a unit sees.
template <class S> struct View {
  const S* a;           // the first element of its first window
  int64_t line, pixel;  // elements from a line or pixel of the source to the next
  const Runs* runs;
  int64_t image, z, y0, y1, q0, q1;  // its positions
};

template <class T, class S> class LineReader {
 public:
  LineReader(const Source<T>& source, const LineShape& shape, S* patch) : s_(source), shape_(shape), patch_(patch) {}

  // From now on, channels c..c+block of the group.
  void select(int64_t c, int64_t block) {
    channel_ = c, block_ = block;
    const int64_t line = s_.axis[2].size * s_.pitch;
    lay_runs(image_, s_.axis[1].size * line * s_.axis[0].tap_step, line * s_.axis[1].tap_step, s_.pitch);
    const int64_t patch_line = shape_.patch_w * shape_.pitch;
    lay_runs(copied_, shape_.patch_h * patch_line, patch_line * s_.axis[1].tap_step, shape_.pitch);
  }
  // Whether a stretch holds all taps of a line.
  bool joined() const { return s_.axis[2].tap_step == 1 && s_.pitch == block_ && shape_.pitch == block_; }
  int64_t stretches() const { return copied_.count; }
  int64_t stretch() const { return copied_.length; }

  // The unit's windows; good until the next call.
  View<S> view(int64_t u) {
    const Axis* axis = s_.axis;
    const int64_t q0 = u % shape_.segments * shape_.segment;
    u /= shape_.segments;
    const int64_t y0 = u % shape_.line_blocks * shape_.lines;
    u /= shape_.line_blocks;
    const int64_t z = u % axis[0].count, image = u / axis[0].count;
    const int64_t q1 = min_of(axis[2].count, q0 + shape_.segment), y1 = min_of(axis[1].count, y0 + shape_.lines);
    // The corner of what the unit sees.
    const int64_t d0 = axis[0].first + z * axis[0].step, d1 = axis[1].first + y0 * axis[1].step;
    const int64_t d2 = axis[2].first + q0 * axis[2].step;
    const int64_t high = (y1 - y0 - 1) * axis[1].step + (axis[1].taps - 1) * axis[1].tap_step + 1;
    const int64_t wide = (q1 - q0 - 1) * axis[2].step + (axis[2].taps - 1) * axis[2].tap_step + 1;
    const bool inside = d0 >= 0 && d0 + (axis[0].taps - 1) * axis[0].tap_step < axis[0].size && d1 >= 0 &&
                        d1 + high <= axis[1].size && d2 >= 0 && d2 + wide <= axis[2].size;
    if constexpr (!kConvert) {
      if (inside && axis[2].step * s_.pitch % 512 != 0) {
        const int64_t pixel = ((image * axis[0].size + d0) * axis[1].size + d1) * axis[2].size + d2;
        return {s_.data + (pixel * s_.pitch + s_.channel + channel_),
                axis[2].size * s_.pitch,
                s_.pitch,
                &image_,
                image,
                z,
                y0,
                y1,
                q0,
                q1};
      }
    }
    fill(image, d0, d1, high, d2, wide);
    return {patch_, shape_.patch_w * shape_.pitch, shape_.pitch, &copied_, image, z, y0, y1, q0, q1};
  }

 private:
  static constexpr bool kConvert = !std::is_same<T, S>::value;

  void lay_runs(Runs& runs, int64_t plane, int64_t line, int64_t pixel) const {
    const Axis* axis = s_.axis;
    const int64_t across = joined() ? 1 : axis[2].taps;
    runs.count = 0, runs.length = joined() ? axis[2].taps * block_ : block_;
    for (int64_t t0 = 0; t0 < axis[0].taps; ++t0)
      for (int64_t t1 = 0; t1 < axis[1].taps; ++t1)
        for (int64_t t2 = 0; t2 < across; ++t2) runs.at[runs.count++] = t0 * plane + t1 * line + t2 * axis[2].tap_step * pixel;
  }

  // Copies what a unit sees, `high` x `wide` pixels in every plane of taps, into the patch.
  void fill(int64_t image, int64_t d0, int64_t d1, int64_t high, int64_t d2, int64_t wide) const {
    const Axis* axis = s_.axis;
    const int64_t before = min_of(wide, d2 < 0 ? -d2 : 0), end = std::max<int64_t>(before, min_of(wide, axis[2].size - d2));
    const int64_t pixel = shape_.pitch;
    for (int64_t t = 0; t < axis[0].taps; ++t)
      for (int64_t y = 0; y < high; ++y) {
        S* to = patch_ + (t * shape_.patch_h + y) * shape_.patch_w * pixel;
        const int64_t z = d0 + t * axis[0].tap_step, row = d1 + y;
        if (z < 0 || z >= axis[0].size || row < 0 || row >= axis[1].size || before >= end) {
          zero_run(to, wide * pixel);
          continue;
        }
        const T* from = s_.data + (((image * axis[0].size + z) * axis[1].size + row) * axis[2].size + d2 + before) * s_.pitch +
                        s_.channel + channel_;
        zero_run(to, before * pixel);
        if (pixel == s_.pitch) {
          copy_run(from, to + before * pixel, (end - before) * pixel);
        } else {
          for (int64_t w = before; w < end; ++w, from += s_.pitch) copy_run(from, to + w * pixel, block_);
        }
        zero_run(to + end * pixel, (wide - end) * pixel);
      }
  }

  const Source<T>& s_;
  const LineShape& shape_;
  S* const patch_;
  int64_t channel_ = 0, block_ = 0;
  Runs image_, copied_;
};

}  // namespace KG_NS
