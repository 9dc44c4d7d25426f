#include "worker/metrics_process.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

static void render(struct text *out, const char *name, const char *type, const char *help, double value)
{
    text_printf(out, "# HELP %s %s\n# TYPE %s %s\n%s %.17g\n", name, help, name, type, name, value);
}

static int open_files(void)
{
    DIR *folder = opendir("/proc/self/fd");
    if (!folder)
        return -1;
    int count = 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count - 3;     /* ".", ".." and the folder's own */
}

static double boot_seconds(void)
{
    FILE *file = fopen("/proc/stat", "re");
    if (!file)
        return 0;
    char line[256];
    double seconds = 0;
    while (fgets(line, sizeof line, file) && sscanf(line, "btime %lf", &seconds) != 1)
        ;
    fclose(file);
    return seconds;
}

/* Fields 22 to 24 of /proc/self/stat: start in ticks since boot, virtual bytes, resident pages. The name
 * in field 2 may hold blanks and brackets, so counting starts behind its last bracket. */
static bool read_stat(double *start_ticks, double *virtual_bytes, double *resident_pages)
{
    char line[1024];
    FILE *file = fopen("/proc/self/stat", "re");
    if (!file)
        return false;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *rest = strrchr(line, ')');
    static const char fields[] = " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d"
                                 " %*d %lf %lf %lf";
    return rest && sscanf(rest + 1, fields, start_ticks, virtual_bytes, resident_pages) == 3;
}

void metrics_process_render(struct text *out)
{
    struct rusage usage;
    struct rlimit files;
    double start_ticks, virtual_bytes, resident_pages;
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        render(out, "process_cpu_seconds_total", "counter", "Processor time spent in user and system mode.",
               (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                   + (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6);
    render(out, "process_open_fds", "gauge", "Open file descriptors.", open_files());
    if (getrlimit(RLIMIT_NOFILE, &files) == 0)
        render(out, "process_max_fds", "gauge", "Most file descriptors that may be open.",
               (double)files.rlim_cur);
    if (!read_stat(&start_ticks, &virtual_bytes, &resident_pages))
        return;
    render(out, "process_virtual_memory_bytes", "gauge", "Virtual memory in bytes.", virtual_bytes);
    render(out, "process_resident_memory_bytes", "gauge", "Resident memory in bytes.",
           resident_pages * (double)sysconf(_SC_PAGESIZE));
    render(out, "process_start_time_seconds", "gauge", "Start of the process, seconds since 1970.",
           boot_seconds() + start_ticks / (double)sysconf(_SC_CLK_TCK));
}
