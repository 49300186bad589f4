/* Parses each file of a folder so many times, as the other parsers do: finds
   Subject, From and To, and decodes every body, text to UTF-8. It prints how
   many octets it has decoded. */
#include <dirent.h>
#include <gmime/gmime.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static long long decoded;

static void body(GMimeObject *parent, GMimeObject *object, gpointer data)
{
	(void)parent;
	(void)data;
	if (GMIME_IS_TEXT_PART(object)) {
		char *text = g_mime_text_part_get_text(GMIME_TEXT_PART(object));
		if (text)
			decoded += strlen(text);
		g_free(text);
	} else if (GMIME_IS_PART(object)) {
		GMimeDataWrapper *content = g_mime_part_get_content(GMIME_PART(object));
		if (content) {
			GMimeStream *memory = g_mime_stream_mem_new();
			decoded += g_mime_data_wrapper_write_to_stream(content, memory);
			g_object_unref(memory);
		}
	}
}

static void parse(const char *octets, size_t length)
{
	GMimeStream *stream = g_mime_stream_mem_new_with_buffer(octets, length);
	GMimeParser *parser = g_mime_parser_new_with_stream(stream);
	GMimeMessage *message = g_mime_parser_construct_message(parser, NULL);
	if (message) {
		g_mime_message_get_subject(message);
		g_mime_message_get_from(message);
		g_mime_message_get_to(message);
		g_mime_message_foreach(message, body, NULL);
		g_object_unref(message);
	}
	g_object_unref(parser);
	g_object_unref(stream);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		return 2;
	g_mime_init();
	GError *error = NULL;
	GDir *folder = g_dir_open(argv[1], 0, &error);
	if (!folder) {
		fprintf(stderr, "%s\n", error->message);
		return 1;
	}
	for (const char *name; (name = g_dir_read_name(folder));) {
		char *path = g_build_filename(argv[1], name, NULL), *octets;
		gsize length;
		if (!g_file_get_contents(path, &octets, &length, &error)) {
			fprintf(stderr, "%s\n", error->message);
			return 1;
		}
		for (int i = atoi(argv[2]); i > 0; i--)
			parse(octets, length);
		g_free(octets);
		g_free(path);
	}
	printf("%lld\n", decoded);
	return 0;
}
