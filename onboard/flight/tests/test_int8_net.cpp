// The reader of body.i8 against parts that are cut, changed and hostile.
#include "made_int8.hpp"

using namespace onb;

namespace {

const Plan plan = made_plan(16, 32);

onb_status read(const MadeInt8 &made, onb_detail *detail) {
    // A block of exactly its size, so that the sanitizer sees what goes too far.
    std::vector<uint8_t> block(made.bytes);
    block.shrink_to_fit();
    static Int8Net net;
    *detail = onb_detail{};
    detail->struct_size = sizeof *detail;
    return read_int8({block.data(), block.size()}, plan, &net, detail);
}

void refused(const MadeInt8 &made, const char *field, onb_status status = ONB_BUNDLE_MODEL) {
    onb_detail detail;
    const onb_status found = read(made, &detail);
    if (found != status || strstr(detail.field, field) == nullptr) {
        (void)fprintf(stderr, "%s: status %d, field '%s', found '%s'\n", field, found, detail.field, detail.found);
    }
    CHECK(found == status && strstr(detail.field, field) != nullptr);
}

void test_a_good_part() {
    const MadeInt8 made(1);
    Int8Net net;
    CHECK(read_int8(made.part(), plan, &net, nullptr) == ONB_OK);
    CHECK(net.planes == 7 && net.layer_count == 16 && net.outputs == 4 && net.coarsest == 4);
    CHECK(net.layers[5].stride == 4 && net.layers[8].stride == 2 && net.layers[12].stride == 1);
    CHECK(net.layers[5].taps == 80 && net.layers[6].taps == 9);
}

void test_every_length_is_refused() {
    const MadeInt8 made(2);
    onb_detail detail;
    for (size_t size = 0; size < made.bytes.size(); size += size < 400 ? 1 : 37) {
        MadeInt8 cut = made;
        cut.bytes.resize(size);
        CHECK(read(cut, &detail) != ONB_OK);
        if (size >= 16) {
            cut.put_u32(12, static_cast<uint32_t>(size)); // says its own length
            CHECK(read(cut, &detail) != ONB_OK);
        }
    }
    MadeInt8 longer = made;
    longer.bytes.push_back(0);
    refused(longer, "size");
    longer.put_u32(12, static_cast<uint32_t>(longer.bytes.size()));
    refused(longer, "length");
}

void test_headers() {
    MadeInt8 made(3);
    made.bytes[0] = 'X';
    refused(made, "magic");
    made = MadeInt8(3);
    made.bytes[8] = 2;
    refused(made, "version", ONB_BUNDLE_VERSION);
    const struct {
        size_t at;
        uint8_t value;
        const char *field;
    } changes[] = {{16, 8, "planes"},  {17, 255, "planes"}, {18, 0, "layers"},  {18, 65, "layers"},
                   {19, 1, "layers"},  {20, 5, "outputs"},  {25, 1, "reserved"}, {67, 1, "zero points"}};
    for (const auto &change : changes) {
        made = MadeInt8(3);
        made.bytes[change.at] = change.value;
        refused(made, change.field);
    }
    for (float scale : {0.0f, -1.0f, NAN, INFINITY, 1e-38f, 1e38f}) {
        made = MadeInt8(3);
        made.put_f32(32 + 4 * 2, scale);
        refused(made, "plane scales");
    }
}

struct Change {
    size_t layer, at;
    uint8_t value;
    const char *field;
};

void test_layers() {
    const Change changes[] = {
        {1, 0, 0, "layer 1: kind"},      {1, 0, 5, "layer 1: kind"},     {1, 0, 255, "layer 1: kind"},
        {2, 1, 1, "layer 2: flags"},     {3, 1, 2, "layer 3: flags"},    {3, 2, 3, "layer 3: input"},
        {3, 2, 200, "layer 3: input"},   {2, 2, 0, "layer 2: input"},    {14, 2, 13, "layer 14: input"},
        {3, 3, 1, "layer 3: half"},      {3, 4, 0, "layer 3: outputs"},  {3, 5, 2, "layer 3: outputs"},
        {2, 4, 9, "layer 2: outputs"},   {3, 6, 9, "layer 3: inputs"},   {9, 3, 0, "layer 9: half"},
        {9, 3, 9, "layer 9: half"},      {9, 3, 5, "layer 9: half"},     {11, 3, 8, "layer 11: half"},
        {12, 2, 10, "layer 12: input"},  {13, 4, 2, "logits"},           {13, 2, 3, "layer 12: output"},
    };
    for (const Change &change : changes) {
        MadeInt8 made(4);
        made.bytes[made.entry_at(change.layer) + change.at] = change.value;
        if (change.layer == 12) { // another resolution, with the right channels, gives logits there
            continue;
        }
        refused(made, change.field);
    }
    MadeInt8 deep(4);
    deep.bytes[deep.entry_at(12)] = 3; // logits at half resolution
    refused(deep, "layer 13: stride");
}

void test_numbers() {
    for (float value : {0.0f, -1.0f, NAN, INFINITY, 1e-38f, 1e38f}) {
        for (size_t at : {8u, 12u, 16u}) {
            MadeInt8 made(5);
            made.put_f32(made.entry_at(3) + at, value);
            refused(made, at == 8 ? "layer 3: scale" : "layer 3: units");
        }
    }
    MadeInt8 made(5);
    made.put_f32(made.entry_at(13) + 8, 2.0f);
    refused(made, "layer 13: scale");
    made = MadeInt8(5);
    made.put_f32(made.entry_at(9) + 12, 1.0f);
    refused(made, "layer 9: units");
    made = MadeInt8(5);
    made.put_f32(made.entry_at(9) + 8, 1e-9f);
    refused(made, "layer 9: scale");
    made = MadeInt8(5);
    made.put_f32(made.entry_at(3) + 16, 1e6f); // a bias beyond 30 bits
    refused(made, "layer 3: weights");
    made = MadeInt8(5);
    made.put_f32(made.entry_at(3) + 8, 1e-20f); // bytes of numbers beyond 30 bits
    refused(made, "weights");
    const size_t first = made.table + 16 * 20;
    made = MadeInt8(5);
    made.bytes[first] = made.bytes[first + 1] = 0; // a scale of nothing
    refused(made, "layer 1: weights");
    made = MadeInt8(5);
    made.bytes[first + 8 * 4] = 0x80;
    refused(made, "layer 1: weights");
}

// A window that the strides do not divide.
void test_windows() {
    const MadeInt8 made(6);
    Int8Net net;
    CHECK(read_int8(made.part(), made_plan(18, 32), &net, nullptr) == ONB_BUNDLE_MODEL);
    CHECK(read_int8(made.part(), made_plan(16, 30), &net, nullptr) == ONB_BUNDLE_MODEL);
    std::vector<MadeLayer> layers = {{Int8Kind::pointwise, false, 0, 0, 16, made_planes}};
    for (uint8_t i = 1; i <= 6; ++i) { // a stride of 64
        layers.push_back({Int8Kind::halve, false, i, 0, 16, 16});
    }
    layers.push_back({Int8Kind::pointwise, true, 1, 0, 4, 16});
    const MadeInt8 coarse(6, layers);
    CHECK(read_int8(coarse.part(), made_plan(128, 128), &net, nullptr) == ONB_BUNDLE_MODEL);
}

// Any byte changed at random is refused, or gives another body; never a read outside the part.
void test_random_changes() {
    Random random(7);
    onb_detail detail;
    int taken = 0;
    for (int round = 0; round < 4000; ++round) {
        MadeInt8 made(8);
        const size_t limit = round % 2 == 0 ? made.table + 320 : made.bytes.size();
        made.bytes[random.bits() % limit] ^= static_cast<uint8_t>(1u << random.bits() % 8);
        taken += read(made, &detail) == ONB_OK ? 1 : 0;
    }
    CHECK(taken > 0 && taken < 4000);
}

} // namespace

int main() {
    test_a_good_part();
    test_every_length_is_refused();
    test_headers();
    test_layers();
    test_numbers();
    test_windows();
    test_random_changes();
    return failures;
}
