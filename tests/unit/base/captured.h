/* Runs a function in a child process and catches what it printed and how it ended. */
#ifndef UNIT_BASE_CAPTURED_H
#define UNIT_BASE_CAPTURED_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct captured { char out[32768], err[32768]; int status; };     /* status: exit status, or 128 + signal */

static void captured_slurp(FILE *file, char *into, size_t size)
{
    rewind(file);
    size_t length = fread(into, 1, size - 1, file);
    into[length] = '\0';
    fclose(file);
}

static void captured_run(struct captured *captured, void (*run)(void *), void *argument)
{
    FILE *out = tmpfile(), *err = tmpfile();
    ck_assert_ptr_nonnull(out);
    ck_assert_ptr_nonnull(err);
    fflush(NULL);
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        dup2(fileno(out), STDOUT_FILENO);
        dup2(fileno(err), STDERR_FILENO);
        run(argument);
        fflush(NULL);
        _exit(0);
    }
    int status;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    captured->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    captured_slurp(out, captured->out, sizeof captured->out);
    captured_slurp(err, captured->err, sizeof captured->err);
}

#endif
