// The page's texts in Russian. An English text is its own key; long ones have a short key, and both languages stand here.

import { locale } from './format.js'

/** `{name}` stands for a value. */
const TABLE = `
1 min|1 мин
10 s|10 с
5 min|5 мин
Adapter|Адаптер
Add column|Добавить колонку
Add server|Добавить сервер
Address:|Адрес:
All servers|Все серверы
As laid out|По порядку
Available|Доступно
Blocked|Блокировано
Buffers|Буферы
Busiest: {name} {usage}|Самый занятый: {name} {usage}
Busy|Занят
CPU|ЦП
Cache|Кеш
Cancel|Отмена
Change|Изменить
Clear|Очистить
Close|Закрыть
Column {n}|Колонка {n}
Command|Команда
Configuration as text|Конфигурация текстом
Configuration|Конфигурация
Configuration…|Конфигурация…
Connect when the page opens|Подключать при открытии страницы
Connecting|Подключение
Connect|Подключить
Containers|Контейнеры
Container|Контейнер
Conversation|Переписка
Cores|Ядра
Critical|Критично
Dashboard|Мониторинг
Device|Устройство
Disconnected|Отключено
Disconnect|Отключить
Disks|Диски
Disk|Диск
Done|Готово
Edit layout|Правка раскладки
Edit {name}|Правка {name}
Editing|Правка
Engine|Движок
Failed|Сбой
Fan|Вентилятор
Faults/s|Сбоев/с
Filesystems|Файловые системы
Filter servers|Фильтр серверов
Fold long lines|Сворачивать длинное
Forks/s|Порожд./с
Freeze (F)|Остановить показ (F)
Free|Свободно
Frozen|Показ остановлен
Go live|К текущему
Graphics|Графика
High|Много
Hold, s|Выдержка, с
Host|Адрес
IO wait|Ожидание диска
IO|Диск
Id|Идентификатор
Interface|Интерфейс
Interrupts/s|Прерыв./с
Interrupts|Прерывания
Interval, s|Интервал, с
Kernel slabs|Ядро
Link|Связь
Live|На связи
Load from file…|Загрузить из файла…
Loaded; servers: {n}.|Загружено; серверов: {n}.
Load|Нагр
Memory, %|Память, %
Memory|Память
Mem|Пам
Menu|Меню
Mounted on|Смонтировано
Move down|Ниже
Move left|Левее
Move right|Правее
Move up|Выше
Name of the column|Название колонки
Name|Имя
Needs wss|Нужен wss
Network|Сеть
Net|Сеть
Next try in {s}.|Повтор через {s}.
No data now|Сейчас нет данных
No failed unit.|Сбоев нет.
No servers yet|Серверов пока нет
Not written|Не записано
Notify me of alarms|Уведомлять о тревогах
Now|Сейчас
OOM kills|Убито (OOM)
Order of servers|Порядок серверов
Order|Порядок
Origin refused|Источник отвергнут
Orphans|Сироты
Plugins|Плагины
Pressure|Давление
Processors, %|Процессоры, %
Processors|Процессоры
Processor|Процессор
Process|Процесс
Programs|Программы
Protocol console|Консоль протокола
Queue drops/s|Отвергнуто/с
Read|Чтение
Received|Принято
Reconnect|Переподключить
Refused|Отказ
Remember in this browser|Запомнить в этом браузере
Remember tokens in this browser|Хранить токены в этом браузере
Remove|Удалить
Restarting|Перезапуск
Retransmits/s|Повторов/с
Run|Вып
Save to file|Сохранить в файл
Save|Сохранить
Send|Отправить
Sensors|Датчики
Sensor|Датчик
Sent|Отправлено
Services|Службы
Service|Служба
Settings|Настройки
Shared|Общая
Stale for {s}|Молчит {s}
Start|Запустить
Stolen|Украдено
Stopped|Остановлено
Stop|Остановить
Strips only|Только полосы
Swap in|Из свопа
Swap out|В своп
Swap, %|Своп, %
Swap|Своп
Switches/s|Переключ./с
System|Система
Tasks|Задач
Temp|Темп
Theme: as the system|Тема: как в системе
Theme: dark|Тема: тёмная
Theme: light|Тема: светлая
Token|Токен
Too many clients|Слишком много клиентов
Too much data|Слишком много данных
Top processes|Кто это сделал
Tracked|Отслеживается
Try now|Сейчас
Type|Тип
Undo|Отменить
Unreachable|Недоступен
Use the default|Вернуть исходную
Use this text|Взять этот текст
Used|Занято
Waiting for the first push|Ждём первых данных
Waiting for|Ожидание
Warn from|Предупреждать от
Worst figure|Худший показатель
Worst processor|Худший процессор
Write|Запись
Wrong token|Неверный токен
W|Вт
a list|список
a text of at most 200 characters|текст до 200 знаков
all wait|ждут все
an object|объект
clock jumped|скачок часов
clock|часы
closed, code {code} {reason}|закрыто, код {code} {reason}
connected|подключено
connecting to {url}|подключение к {url}
down|нет
letters, digits and _ - . ,|латинские буквы, цифры и _ - . ,
load|нагрузка
no alarm|без тревог
no swap|свопа нет
not answering {s}|не отвечает {s}
not connected|нет подключения
now|сейчас
processes|процессов
read-only|только чтение
rebooted|перезагрузка
rpm|об/мин
running|работают
sleeping|спят
some processes are hidden|часть процессов скрыта
some wait|ждёт кто-то
stopped|стоят
threads|потоков
true or false|true или false
up|работает
users|польз.
with tokens|с токенами
zombies|зомби
{min} to {max}|от {min} до {max}
{n} processors; arrow keys read each|Процессоров: {n}; стрелки читают каждый
{span} ago|{span} назад
{s} old|возраст {s}
… {n} more|… ещё {n}
about.busy|Busiest disk: time with requests in flight|Самый занятый диск: время с запросами
about.config|Kept in this browser. Files are JSON, also the original’s.|Хранится в этом браузере. Файлы — JSON, подходят и от исходного Rt-Stat.
about.cores|Every processor, a row each|Каждый процессор, по строке
about.cpu|All processors; thin line: the busiest|Все процессоры; тонкая линия: самый занятый
about.disk|Read and written|Прочитано и записано
about.gpu|Busiest graphics processor|Самый занятый графический процессор
about.load|Load over one minute|Нагрузка за минуту
about.memory|Memory of programs, without caches|Память программ, без кешей
about.net|Received and sent|Принято и отправлено
about.psi|Share of the last 10 s spent waiting for CPU, memory or IO|Доля последних 10 с в ожидании ЦП, памяти или диска
about.running|Running processes|Выполняются
about.swap|Swap in use|Занятый своп
about.temp|Hottest sensor|Самый горячий датчик
address|ws://host:port/local-part, or nothing for the server of this page|ws://host:port/local-part или пусто для сервера этой страницы
asked|Asked for; it comes with the next push.|Запрошено; придёт со следующими данными.
broken|{n} broken pushes dropped.|Отброшено испорченных: {n}.
empty|Add one by its address, or load a configuration from the menu.|Добавьте по адресу или загрузите конфигурацию из меню.
fast|{n} messages beyond ten a second dropped.|Отброшено сверх десяти в секунду: {n}.
history|Five minutes of history; arrow keys read an instant|Пять минут истории; стрелки читают мгновение
hostEmpty|empty: the server of this page|пусто: сервер этой страницы
cpu|processors|процессоры
critical|Critical|Критично
memory|memory|память
swap|swap|своп
warning|Warning|Внимание
idTaken|the id {got} is used twice|идентификатор {got} повторяется
keys|Keys: / filter, F freeze, E edit, C configuration|Клавиши: / фильтр, F пауза, E правка, C конфигурация
large|{n} messages larger than 1 MB dropped.|Отброшено больше 1 МБ: {n}.
legacy|An Rt-Stat server of the first kind: four figures.|Сервер Rt-Stat первого поколения: четыре показателя.
missed|{n} pushes missed.|Пропущено: {n}.
need|{got} is not accepted; needed: {what}|{got} не подходит; нужно: {what}
noDefault|monitoring-default-config.js sets no configuration; it should call RtStat.Monitoring.init({…})|monitoring-default-config.js не задаёт конфигурации; он должен вызвать RtStat.Monitoring.init({…})
notJson|This is not JSON: the fault is at {got} (line:column)|Это не JSON: ошибка в {got} (строка:столбец)
note.closed|The connection was lost. {detail}|Соединение потеряно. {detail}
note.flood|Cut off: it sends more than this page can take.|Отключён: шлёт больше, чем может принять страница.
note.full|It has all the clients it allows (--max-clients).|Клиентов уже столько, сколько разрешено (--max-clients).
note.mixed|A page from https may open wss:// only: put a proxy with TLS before the server.|Страница с https открывает только wss://: поставьте перед сервером прокси с TLS.
note.origin|Start the server with --allow-origin and this page’s origin.|Запустите сервер с --allow-origin и адресом этой страницы.
note.refused|The reason: {detail}|Причина: {detail}
note.restarting|It should be back soon.|Скоро должен вернуться.
note.token|The server asks for another token.|Серверу нужен другой токен.
note.unreachable|No answer from {url}.|Нет ответа от {url}.
scrub|Instant shown, seconds before the freeze|Показываемое мгновение, секунд до остановки
tooLarge|The file is larger than 1 MB.|Файл больше 1 МБ.
tooMany|more than {got} servers|больше {got} серверов
`
/** Units in Cyrillic letters: KiB is КиБ, kB/s is кБ/с. */
const LETTERS = { from: 'BEGKMPThikmns', to: 'БЭГКМПТчикмнс' }

export const choose = (wanted) => wanted.map((tag) => tag.slice(0, 2).toLowerCase()).find((tag) => ['en', 'ru'].includes(tag)) ?? 'en'

/** Each key with its English and its Russian. */
export const TEXTS = new Map(TABLE.trim().split('\n').map((row) => {
	const parts = row.split('|')
	return [parts[0], parts.slice(-2)]
}))
export const language = choose(globalThis.navigator?.languages ?? [])
if (language === 'ru') Object.assign(locale, { decimal: ',', unit: (name) => name.replace(/\w/g, (letter) => LETTERS.to[LETTERS.from.indexOf(letter)] ?? letter) })

/** @param {Record<string, any>} [values] */
export function t(key, values = {}) {
	return (TEXTS.get(key)?.[language === 'ru' ? 1 : 0] ?? key).replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole)
}
