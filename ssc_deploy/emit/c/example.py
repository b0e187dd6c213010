"""``example.c``: a small program that runs the network on an image, or on files of floats."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from ssc_deploy.emit.c.sources import comment, parameters

if TYPE_CHECKING:
    from ssc_deploy.metadata import ModelMetadata
    from ssc_deploy.native.plan import Plan

_READ = """
static void *read_file(const char *path, size_t bytes)
{
    FILE *file = fopen(path, "rb");
    char *data = malloc(bytes + 1);
    const size_t found = file && data ? fread(data, 1, bytes + 1, file) : 0;
    if (file)
        fclose(file);
    if (found == bytes)
        return data;
    fprintf(stderr, "%s cannot be read, or has not %lu bytes\\n", path, (unsigned long)bytes);
    free(data);
    return NULL;
}
"""

_PPM = """
/* A number of the header of a PPM file, behind white space and comments; -1 where there is none. */
static int number(FILE *file)
{
    int c = fgetc(file);
    while (c == ' ' || c == '\\t' || c == '\\r' || c == '\\n' || c == '#') {
        if (c == '#')
            while (c != '\\n' && c != EOF)
                c = fgetc(file);
        c = fgetc(file);
    }
    int value = -1;
    for (; c >= '0' && c <= '9' && value < 100000; c = fgetc(file))
        value = (value < 0 ? 0 : value) * 10 + (c - '0');
    return value;
}

/* Read a binary PPM (P6) or PGM (P5) image of the network's size, and turn it into its input. */
static int read_image(const char *path, float *input)
{
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "%s cannot be opened\\n", path);
        return 0;
    }
    const int kind = fgetc(file) == 'P' ? fgetc(file) : 0;
    const int width = number(file), height = number(file), most = number(file);
    const int channels = kind == '6' ? 3 : kind == '5' ? 1 : 0;
    if (channels != CHANNELS || width != WIDTH || height != HEIGHT || most != 255) {
        fprintf(stderr, "%s is no P%d image of %d x %d pixels with 8 bits each\\n", path, CHANNELS == 3 ? 6 : 5, WIDTH,
                HEIGHT);
        fclose(file);
        return 0;
    }
    for (int i = 0; i < HEIGHT * WIDTH; i++)
        for (int c = 0; c < CHANNELS; c++) {
            const int pixel = fgetc(file);
            if (pixel == EOF) {
                fprintf(stderr, "%s is cut off\\n", path);
                fclose(file);
                return 0;
            }
            input[place[c] * HEIGHT * WIDTH + i] = ((float)pixel / 255.0F - mean[place[c]]) / std[place[c]];
        }
    fclose(file);
    return 1;
}
"""


def source(plan: Plan, metadata: ModelMetadata, name: str, stem: str) -> str:
    """The program: of an image where the network takes one and says how, else of raw floats."""
    taken = metadata.preprocessing
    outputs = [one for one, _, output in parameters(plan) if output]
    if metadata.image is not None and taken is not None and plan.inputs[0].shape[0] == 1 and len(outputs) == 1:
        return _of_image(plan, metadata, name, stem)
    return _of_floats(plan, metadata, name, stem)


def _of_image(plan: Plan, metadata: ModelMetadata, name: str, stem: str) -> str:
    assert metadata.image is not None
    assert metadata.preprocessing is not None
    channels, height, width = metadata.image
    numbers = {key: ", ".join(_float(n) for n in getattr(metadata.preprocessing, key)) for key in ("mean", "std")}
    order = "2, 1, 0" if metadata.preprocessing.colour == "BGR" else ", ".join(map(str, range(channels)))
    labels = ", ".join(map(_string, metadata.labels)) or "NULL"
    classes = math.prod(plan.outputs[0].shape)
    return f"""/* Runs {comment(metadata.network)} on a binary PPM image: example IMAGE [WEIGHTS]. */
#include <stdio.h>
#include <stdlib.h>

#include "{stem}.h"

#ifndef WEIGHTS_FILE
#define WEIGHTS_FILE "{stem}.weights"
#endif

enum {{ CHANNELS = {channels}, HEIGHT = {height}, WIDTH = {width} }};
enum {{ CLASSES = {classes}, LABELS = {len(metadata.labels)} }};

static const float mean[CHANNELS] = {{{numbers["mean"]}}};
static const float std[CHANNELS] = {{{numbers["std"]}}};
static const int place[CHANNELS] = {{{order}}}; /* of red, green and blue in the input */
static const char *const labels[LABELS + 1] = {{{labels}}};
{_READ}{_PPM}
int main(int count, char **arguments)
{{
    static float input[{name.upper()}_INPUT], output[{name.upper()}_OUTPUT];
    if (count < 2 || count > 3) {{
        fprintf(stderr, "give an image, a binary PPM of %d x %d pixels: example IMAGE [WEIGHTS]\\n", WIDTH, HEIGHT);
        return 2;
    }}
    float *weights = read_file(count > 2 ? arguments[2] : WEIGHTS_FILE, {name}_weights_bytes());
    float *arena = malloc({name}_arena_bytes());
    int done = weights && arena && read_image(arguments[1], input);
    if (done) {{
        {name}_run(weights, input, output, arena);
        for (int shown = 0; shown < 5 && shown < CLASSES; shown++) {{
            int best = 0;
            for (int i = 1; i < CLASSES; i++)
                if (output[i] > output[best])
                    best = i;
            printf("%12.6g  %d %s\\n", (double)output[best], best, best < LABELS ? labels[best] : "");
            output[best] = -3.4e38F;
        }}
    }}
    free(arena);
    free(weights);
    return done ? 0 : 1;
}}
"""


def _of_floats(plan: Plan, metadata: ModelMetadata, name: str, stem: str) -> str:
    ins = [one for one, _, output in parameters(plan) if not output]
    listed = [one for one, _, _ in parameters(plan)]
    outs = [one for one, _, output in parameters(plan) if output]
    names = " ".join(one.upper() for one in ins)
    reads = "\n".join(
        f"    float *{one} = read_file(arguments[{i}], sizeof(float) * {name.upper()}_{one.upper()});"
        for i, one in enumerate(ins, 1)
    )
    prints = "\n".join(
        f"""        for (size_t i = 0; i < {name.upper()}_{one.upper()}; i++)
            printf("%.9g\\n", (double){one}[i]);"""
        for one in outs
    )
    buffers = ", ".join(f"{one}[{name.upper()}_{one.upper()}]" for one in outs)
    frees = "\n".join(f"    free({one});" for one in ins)
    return f"""/* Runs {comment(metadata.network)} on files of float32 numbers: example {names} [WEIGHTS]. */
#include <stdio.h>
#include <stdlib.h>

#include "{stem}.h"

#ifndef WEIGHTS_FILE
#define WEIGHTS_FILE "{stem}.weights"
#endif
{_READ}
int main(int count, char **arguments)
{{
    static float {buffers};
    if (count < {len(ins) + 1} || count > {len(ins) + 2}) {{
        fprintf(stderr, "give a file of floats for each input: example {names} [WEIGHTS]\\n");
        return 2;
    }}
    const char *path = count > {len(ins) + 1} ? arguments[{len(ins) + 1}] : WEIGHTS_FILE;
    float *weights = read_file(path, {name}_weights_bytes());
    float *arena = malloc({name}_arena_bytes());
{reads}
    const int done = weights && arena && {" && ".join(ins)};
    if (done) {{
        {name}_run(weights, {", ".join(listed)}, arena);
{prints}
    }}
{frees}
    free(arena);
    free(weights);
    return done ? 0 : 1;
}}
"""


def _float(number: float) -> str:
    text = f"{number:.9g}"
    return f"{text}F" if "." in text or "e" in text else f"{text}.0F"


def _string(text: str) -> str:
    """A literal in C; what is no plain letter becomes octal digits."""
    plain = "".join(
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}" for byte in text.encode()
    )
    return f'"{plain}"'
