/* SPDX-License-Identifier: MIT */
/*
 * The progress bar: "sweeping  [=====>     ]  45 %  1.2 GiB/s  12 s left, frees 3 GiB".
 * The bar takes what the other parts leave of the line.
 */
#include "svc/cli/progress.h"

#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/base/clock.h"
#include "svc/cli/table.h"

#define PROGRESS_BAR_MAX 40

void progress_start(struct progress *p)
{
	*p = (struct progress){.shown = isatty(STDOUT_FILENO)};
}

static int progress_columns(void)
{
	struct winsize size;
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) < 0 || size.ws_col < 20)
		return 80;
	return size.ws_col;
}

/* " 45 %  1.2 GiB/s  12 s left" */
static void progress_figures(const struct progress *p, uint64_t done, uint64_t total, char *text,
			     size_t size)
{
	char speed[TABLE_TEXT_MAX], left[TABLE_TEXT_MAX];
	uint64_t ns = clock_monotonic_ns() - p->started_ns;
	uint64_t passed = done > p->first_done ? done - p->first_done : 0;
	double rate = ns > 0 ? (double)passed * 1e9 / (double)ns : 0;
	int percent = total ? (int)((double)done * 100 / (double)total) : 0;
	if (ns < 500000000 || rate < 1) {
		snprintf(text, size, "%3d %%", percent);
		return;
	}
	table_size((uint64_t)rate, speed);
	table_duration(done < total ? (uint64_t)((double)(total - done) * 1e9 / rate) : 0, left);
	snprintf(text, size, "%3d %%  %s/s  %s left", percent, speed, left);
}

void progress_update(struct progress *p, const char *phase, uint64_t done, uint64_t total,
		     const char *note)
{
	char figures[128];
	char bar[PROGRESS_BAR_MAX + 1];
	if (!p->shown)
		return;
	if (done > total)
		done = total;
	if (strncmp(p->phase, phase, sizeof(p->phase) - 1) != 0) {
		snprintf(p->phase, sizeof(p->phase), "%s", phase);
		p->started_ns = clock_monotonic_ns();
		p->first_done = done;
	}
	progress_figures(p, done, total, figures, sizeof(figures));
	int room = progress_columns() - (int)(strlen(phase) + strlen(figures) + strlen(note)) - 8;
	int width = room > PROGRESS_BAR_MAX ? PROGRESS_BAR_MAX : room > 4 ? room : 4;
	int full = total ? (int)((double)done / (double)total * width) : 0;
	memset(bar, ' ', (size_t)width);
	memset(bar, '=', (size_t)full);
	if (full < width)
		bar[full] = '>';
	bar[width] = 0;
	printf("\r%s [%s] %s%s%s\033[K", phase, bar, figures, *note ? ", " : "", note);
	fflush(stdout);
	p->drawn = true;
}

void progress_end(struct progress *p)
{
	if (p->drawn)
		fputs("\r\033[K", stdout);
	p->drawn = false;
}
